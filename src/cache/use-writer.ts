import type { FragmentHash } from '../query/fragment/fragment';
import type { EntryDescription } from './cache-backend';
import type { CacheWarning } from './cache-warning';
import { addBenefit, type EntryUse, noBenefit, withBenefit } from './entry-benefit';
import { type NotedUses, UseNotes } from './use-notes';

/** Notes of use are written when there are this many, or after this time; and on close. */
const maxNotes = 1_000;
const delayMs = 5_000;

/** Notes of use, written to a backend's store in batches. Those that cannot be written are lost: the entry only looks older, and less useful. */
export class UseWriter {
  private readonly notes = new UseNotes();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  /** What comes after `writing`, for all who want it. */
  private next: Promise<void> | undefined;

  /** @param write may reject; `backend` is its name, for the warning then */
  constructor(
    private readonly backend: string,
    private readonly write: (notes: ReadonlyMap<string, NotedUses>) => Promise<void>,
    private readonly warn: CacheWarning,
  ) {}

  /** Resolves at once, or after a batch that became full is written. */
  async note(partitionKey: string, uses: readonly EntryUse[]): Promise<void> {
    this.notes.note(partitionKey, uses);
    if (this.notes.size >= maxNotes) return this.flush();
    this.timer ??= setTimeout(() => void this.flush(), delayMs).unref();
  }

  /** An entry as it is written, and what is noted of its use and not written yet. */
  latest<T extends EntryDescription>(written: T): T {
    const { partitionKey, hash } = written.fragment;
    const noted = this.notes.get(partitionKey, hash);
    if (noted === undefined) return written;
    const lastUsedAt = Math.max(written.lastUsedAt, noted.at);
    return withBenefit({ ...written, lastUsedAt }, addBenefit(written.benefit ?? noBenefit, noted));
  }

  /** Forgets what was noted of an entry that is written or removed. */
  forget(partitionKey: string, hash: FragmentHash): void {
    this.notes.forget(partitionKey, hash);
  }

  forgetPartitionKey(partitionKey: string): void {
    this.notes.forgetPartitionKey(partitionKey);
  }

  /** Writes what is noted. Never rejects. One after the other: what is being written is noted until it is, and would be counted twice. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.next ??= this.writing.then(() => {
      this.next = undefined;
      this.writing = this.writeNoted();
      return this.writing;
    });
    return this.next;
  }

  private async writeNoted(): Promise<void> {
    if (this.notes.size === 0) return;
    const written = this.notes.pending();
    try {
      await this.write(written);
    } catch (error) {
      this.warn(`${this.backend}: uses of entries could not be written`, error);
    } finally {
      // Also what could not be written: it must not grow.
      this.notes.settle(written);
    }
  }
}
