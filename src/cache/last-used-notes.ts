import type { FragmentHash } from '../query/fragment/fragment';

/** When entries were used, in milliseconds since 1970-01-01 UTC. */
export type LastUsed = ReadonlyMap<FragmentHash, number>;

/**
 * Notes of use that are not written yet, by partition key. Every hit makes one; a backend writes them in batches and asks
 * here first when it describes an entry, so that nobody sees an older time than they noted.
 */
export class LastUsedNotes {
  private notes = new Map<string, Map<FragmentHash, number>>();
  private count = 0;

  /** Number of entries noted. */
  get size(): number {
    return this.count;
  }

  /** Keeps the latest time of each entry. */
  note(partitionKey: string, hashes: Iterable<FragmentHash>, at: number): void {
    const ofKey = this.notes.get(partitionKey) ?? new Map<FragmentHash, number>();
    this.notes.set(partitionKey, ofKey);
    for (const hash of hashes) {
      const before = ofKey.get(hash);
      if (before === undefined) this.count++;
      if (before === undefined || before < at) ofKey.set(hash, at);
    }
  }

  get(partitionKey: string, hash: FragmentHash): number | undefined {
    return this.notes.get(partitionKey)?.get(hash);
  }

  /** Forgets what was noted of an entry that is written or removed. */
  forget(partitionKey: string, hash: FragmentHash): void {
    if (this.notes.get(partitionKey)?.delete(hash) === true) this.count--;
  }

  forgetPartitionKey(partitionKey: string): void {
    this.count -= this.notes.get(partitionKey)?.size ?? 0;
    this.notes.delete(partitionKey);
  }

  /** All notes, as they are now. They stay until `settle`: until they are written, this is where they are read. */
  pending(): ReadonlyMap<string, LastUsed> {
    return new Map([...this.notes].map(([partitionKey, ofKey]) => [partitionKey, new Map(ofKey)]));
  }

  /** Forgets those notes that are still what they were in `written`; a later use stays noted. */
  settle(written: ReadonlyMap<string, LastUsed>): void {
    for (const [partitionKey, ofKey] of written) {
      for (const [hash, at] of ofKey)
        if (this.get(partitionKey, hash) === at) this.forget(partitionKey, hash);
    }
  }
}
