import type { CacheBackend } from '../cache/cache-backend';
import { addBenefit, type EntryBenefit, noBenefit } from '../cache/entry-benefit';
import type { FragmentHash } from '../query/fragment/fragment';
import type { EngineLog } from './engine-events';

/** How long notes are gathered before they are written, in milliseconds. */
const gatherMs = 5_000;

/** An entry, by its names. */
export interface UsedEntry {
  readonly key: string;
  readonly hash: FragmentHash;
}

/** Gathers which entries were used and what that saved, and tells the backend now and then. A lost note only makes an entry look older. */
export class UsageNotes {
  readonly #used = new Map<string, Map<FragmentHash, EntryBenefit>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly backend: CacheBackend,
    private readonly log: EngineLog,
  ) {}

  /** A statement was restricted by these entries. */
  used(entries: readonly UsedEntry[]): void {
    for (const entry of entries) this.#note(entry, { uses: 1, savedMs: 0 });
  }

  /** Such a statement was seen to take so much less time than without them; to which of them that is owed cannot be told. */
  saved(entries: readonly UsedEntry[], ms: number): void {
    for (const entry of entries) this.#note(entry, { uses: 0, savedMs: ms / entries.length });
  }

  /** Writes what was gathered. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const used = [...this.#used];
    this.#used.clear();
    const at = Date.now();
    for (const [partitionKey, benefits] of used) {
      try {
        await this.backend.touch(
          partitionKey,
          [...benefits].map(([hash, benefit]) => ({ hash, at, ...benefit })),
        );
      } catch (error) {
        this.log.warn({ err: error }, 'use of cache entries could not be noted');
      }
    }
  }

  #note({ key, hash }: UsedEntry, benefit: EntryBenefit): void {
    const ofKey = this.#used.get(key) ?? new Map<FragmentHash, EntryBenefit>();
    this.#used.set(key, ofKey.set(hash, addBenefit(ofKey.get(hash) ?? noBenefit, benefit)));
    this.#timer ??= setTimeout(() => void this.flush(), gatherMs).unref();
  }
}
