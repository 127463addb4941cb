import type { CacheBackend } from '../cache/cache-backend';
import type { KeySet } from '../cache/key-set';
import type { FragmentHash } from '../query/fragment/fragment';
import { BoundedMap } from './bounded-map';

/** Key sets at hand, read from the backend when first needed. */
export class KeySetStore {
  readonly #sets: BoundedMap<string, KeySet>;
  /** Counts what was forgotten. */
  #forgotten = 0;

  constructor(
    private readonly backend: CacheBackend,
    memoryBytes: number,
  ) {
    this.#sets = new BoundedMap(memoryBytes, ({ bytes }) => bytes + 200);
  }

  get bytes(): number {
    return this.#sets.weight;
  }

  /** The set if it is in memory. */
  peek(partitionKey: string, hash: FragmentHash): KeySet | undefined {
    return this.#sets.get(name(partitionKey, hash));
  }

  /** Resolves to undefined if the backend has no keys for the fragment (any more). Rejects with CacheUnavailableError. */
  async load(partitionKey: string, hash: FragmentHash): Promise<KeySet | undefined> {
    const known = this.peek(partitionKey, hash);
    if (known !== undefined) return known;
    const forgottenBefore = this.#forgotten;
    const entry = await this.backend.get(partitionKey, hash);
    // A set that was forgotten while it was being read may be the old one; it is good for this once, not to be kept.
    if (entry?.keys !== undefined && forgottenBefore === this.#forgotten) {
      this.#sets.set(name(partitionKey, hash), entry.keys);
    }
    return entry?.keys;
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

function name(partitionKey: string, hash: FragmentHash): string {
  return `${hash}${partitionKey}`;
}
