import type { FragmentHash } from '../query/fragment/fragment';
import type { CacheWarning } from './cache-warning';
import { type LastUsed, LastUsedNotes } from './last-used-notes';

/** Notes of use are written when there are this many, or after this time; and on close. */
const maxNotes = 1_000;
const delayMs = 5_000;

/** Notes of use, written to a backend's store in batches. One that cannot be written is lost: the entry only looks older. */
export class LastUsedWriter {
  private readonly notes = new LastUsedNotes();
  private timer: NodeJS.Timeout | undefined;

  /** @param write may reject; `backend` is its name, for the warning then */
  constructor(
    private readonly backend: string,
    private readonly write: (notes: ReadonlyMap<string, LastUsed>) => Promise<void>,
    private readonly warn: CacheWarning,
  ) {}

  /** Resolves at once, or after a batch that became full is written. */
  async note(partitionKey: string, hashes: readonly FragmentHash[], at: number): Promise<void> {
    this.notes.note(partitionKey, hashes, at);
    if (this.notes.size >= maxNotes) return this.flush();
    this.timer ??= setTimeout(() => void this.flush(), delayMs).unref();
  }

  /** When an entry was last used: what is written of it, or what is noted and not written yet. */
  latest(partitionKey: string, hash: FragmentHash, written: number): number {
    return Math.max(written, this.notes.get(partitionKey, hash) ?? -Infinity);
  }

  /** Forgets what was noted of an entry that is written or removed. */
  forget(partitionKey: string, hash: FragmentHash): void {
    this.notes.forget(partitionKey, hash);
  }

  forgetPartitionKey(partitionKey: string): void {
    this.notes.forgetPartitionKey(partitionKey);
  }

  /** Writes what is noted. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.notes.size === 0) return;
    const written = this.notes.pending();
    try {
      await this.write(written);
    } catch (error) {
      this.warn(`${this.backend}: the times of last use could not be written`, error);
    } finally {
      // Also what could not be written: it must not grow.
      this.notes.settle(written);
    }
  }
}
