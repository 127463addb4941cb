import type { CacheBackend, EntryDescription } from '../cache/cache-backend';
import type { KeySet } from '../cache/key-set';
import type { SeenBy } from '../freshness/combine-stamps';
import type { FragmentHash } from '../query/fragment/fragment';
import { BoundedMap } from './bounded-map';

/** A key set, and what it has seen: only together do they say anything (rule F3). */
export interface KnownKeys {
  readonly keys: KeySet;
  /** Absent if changes were not tracked when it was computed. */
  readonly seen?: SeenBy | undefined;
}

/** Key sets at hand, read from the backend when first needed. */
export class KeySetStore {
  readonly #sets: BoundedMap<string, KnownKeys>;
  /** Counts what was forgotten. */
  #forgotten = 0;

  constructor(
    private readonly backend: CacheBackend,
    memoryBytes: number,
  ) {
    this.#sets = new BoundedMap(
      memoryBytes,
      ({ keys, seen }) => keys.bytes + 200 + (seen?.snapshot.length ?? 0),
    );
  }

  get bytes(): number {
    return this.#sets.weight;
  }

  /** The set if it is in memory. */
  peek(partitionKey: string, hash: FragmentHash): KnownKeys | undefined {
    return this.#sets.get(name(partitionKey, hash));
  }

  /** Sets of a partition key that are in memory, the one used last first. */
  recent(partitionKey: string, most: number): readonly KeySet[] {
    const sets: KeySet[] = [];
    for (const [of, { keys }] of this.#sets.entries())
      if (of.slice(hashLength) === partitionKey) sets.push(keys);
    return sets.slice(-most).reverse();
  }

  /** Resolves to undefined if the backend has no keys for the fragment (any more). Rejects with CacheUnavailableError. */
  async load(partitionKey: string, hash: FragmentHash): Promise<KnownKeys | undefined> {
    const known = this.peek(partitionKey, hash);
    if (known !== undefined) return known;
    const forgottenBefore = this.#forgotten;
    const entry = await this.backend.get(partitionKey, hash);
    if (entry?.keys === undefined) return undefined;
    const read: KnownKeys = { keys: entry.keys, seen: seenBy(entry) };
    // A set that was forgotten while it was being read may be the old one; it is good for this once, not to be kept.
    if (forgottenBefore === this.#forgotten) this.#sets.set(name(partitionKey, hash), read);
    return read;
  }

  /** The entry was written anew or removed: what is in memory is not it any more. */
  forget(partitionKey: string, hash: FragmentHash): void {
    this.#forgotten++;
    this.#sets.delete(name(partitionKey, hash));
  }

  clear(): void {
    this.#forgotten++;
    this.#sets.clear();
  }
}

function seenBy({ snapshot, origin }: EntryDescription): SeenBy | undefined {
  return snapshot === undefined || origin === undefined ? undefined : { snapshot, origin };
}

const hashLength = 64;

function name(partitionKey: string, hash: FragmentHash): string {
  return `${hash}${partitionKey}`;
}
