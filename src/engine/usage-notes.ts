import type { CacheBackend } from '../cache/cache-backend';
import type { FragmentHash } from '../query/fragment/fragment';
import type { EngineLog } from './engine-events';

/** How long notes are gathered before they are written, in milliseconds. */
const gatherMs = 5_000;

/** Gathers which entries were used, and tells the backend now and then. A lost note only makes an entry look older. */
export class UsageNotes {
  readonly #used = new Map<string, Set<FragmentHash>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly backend: CacheBackend,
    private readonly log: EngineLog,
  ) {}

  note(partitionKey: string, hash: FragmentHash): void {
    const hashes = this.#used.get(partitionKey) ?? new Set<FragmentHash>();
    this.#used.set(partitionKey, hashes.add(hash));
    this.#timer ??= setTimeout(() => void this.flush(), gatherMs).unref();
  }

  /** Writes what was gathered. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const used = [...this.#used];
    this.#used.clear();
    for (const [partitionKey, hashes] of used) {
      try {
        await this.backend.touch(partitionKey, [...hashes], Date.now());
      } catch (error) {
        this.log.warn({ err: error }, 'use of cache entries could not be noted');
      }
    }
  }
}
