import type { FragmentHash } from '../query/fragment/fragment';
import { addBenefit, type EntryBenefit, type EntryUse, withoutBenefit } from './entry-benefit';

/** Uses of an entry that belong together: how many, of what benefit, and when the last one was, in milliseconds since 1970-01-01 UTC. */
export interface NotedUse extends EntryBenefit {
  readonly at: number;
}

/** By the entry's hash. */
export type NotedUses = ReadonlyMap<FragmentHash, NotedUse>;

/**
 * Notes of use that are not written yet, by partition key. Every hit makes one; a backend writes them in batches and asks
 * here first when it describes an entry, so that nobody sees an older time, or fewer uses, than they noted.
 */
export class UseNotes {
  private notes = new Map<string, Map<FragmentHash, NotedUse>>();
  private count = 0;

  /** Number of entries noted. */
  get size(): number {
    return this.count;
  }

  /** Adds up the uses of each entry, and keeps the latest time. */
  note(partitionKey: string, uses: Iterable<EntryUse>): void {
    const ofKey = this.notes.get(partitionKey) ?? new Map<FragmentHash, NotedUse>();
    this.notes.set(partitionKey, ofKey);
    for (const use of uses) {
      const before = ofKey.get(use.hash);
      if (before === undefined) this.count++;
      ofKey.set(use.hash, before === undefined ? use : together(before, use));
    }
  }

  get(partitionKey: string, hash: FragmentHash): NotedUse | undefined {
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
  pending(): ReadonlyMap<string, NotedUses> {
    return new Map([...this.notes].map(([partitionKey, ofKey]) => [partitionKey, new Map(ofKey)]));
  }

  /** Forgets what is in `written`; what was added since stays noted. */
  settle(written: ReadonlyMap<string, NotedUses>): void {
    for (const [partitionKey, ofKey] of written) {
      for (const [hash, use] of ofKey) {
        const now = this.get(partitionKey, hash);
        if (now === use) this.forget(partitionKey, hash);
        else if (now !== undefined)
          this.notes.get(partitionKey)?.set(hash, { at: now.at, ...withoutBenefit(now, use) });
      }
    }
  }
}

function together(a: NotedUse, b: NotedUse): NotedUse {
  return { at: Math.max(a.at, b.at), ...addBenefit(a, b) };
}
