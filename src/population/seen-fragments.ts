import type { Fragment, FragmentHash } from '../query/fragment/fragment';

/** Fragments counted at the same time, in each of two generations: some 100 bytes each. */
const maxCounted = 20_000;
/** After this time a fragment that was not seen since is forgotten, in milliseconds; some are forgotten after twice as long. */
const generationMs = 60 * 60_000;

/**
 * Counts how often fragments have been seen of late, in bounded memory: in two generations, of which the older is forgotten when the younger
 * is full or old. A fragment is counted in at most about two hours, and what is seen often outlives what is seen once.
 */
export class SeenFragments {
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #bornAt = -Infinity;

  /** @param limits for tests */
  constructor(private readonly limits = { maxCounted, generationMs }) {}

  /** One more time; returns how often it was seen, this time included. `nowMs` of any clock. */
  see({ partitionKey, hash }: Pick<Fragment, 'partitionKey' | 'hash'>, nowMs: number): number {
    if (this.#young.size >= this.limits.maxCounted || nowMs - this.#bornAt >= this.limits.generationMs) {
      // Nothing was seen for so long that the younger generation is too old as well.
      const isAllOld = nowMs - this.#bornAt >= 2 * this.limits.generationMs;
      this.#old = isAllOld ? new Map<string, number>() : this.#young;
      this.#young = new Map();
      this.#bornAt = nowMs;
    }
    const name = nameOf(partitionKey, hash);
    const times = (this.#young.get(name) ?? this.#old.get(name) ?? 0) + 1;
    this.#young.set(name, times);
    this.#old.delete(name);
    return times;
  }
}

function nameOf(partitionKey: string, hash: FragmentHash): string {
  return `${hash} ${partitionKey}`;
}
