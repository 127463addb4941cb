import { gallop, gallopingRatio } from './sorted-array';
import { highWord, lowWord, wordsOf } from './int64-words';

/** The same keys in half the memory, if all are of 32 bits; ascending, as given. */
export function narrowed(sorted: BigInt64Array): Int32Array | undefined {
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lowest === undefined || highest === undefined) return new Int32Array(0);
  if (!isInt32(lowest) || !isInt32(highest)) return undefined;
  const words = wordsOf(sorted);
  const keys = new Int32Array(sorted.length);
  for (let i = 0; i < keys.length; i++) keys[i] = words[2 * i + lowWord] ?? 0;
  return keys;
}

/** The same keys of 64 bits. */
export function widened(keys: Int32Array): BigInt64Array {
  const sorted = new BigInt64Array(keys.length);
  const words = wordsOf(sorted);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? 0;
    words[2 * i + lowWord] = key;
    words[2 * i + highWord] = key >> 31;
  }
  return sorted;
}

/** The keys both hold; `small` must be the shorter one. */
export function intersectNarrow(small: Int32Array, large: Int32Array): Int32Array {
  const common = scratchOf(small.length);
  const isGalloping = large.length > small.length * gallopingRatio;
  const size = isGalloping ? gallopThrough(small, large, common) : walkThrough(small, large, common);
  return common.slice(0, size);
}

export function isInt32(key: bigint): boolean {
  return BigInt.asIntN(32, key) === key;
}

/**
 * As long as the longest set so far: what an intersection needs is not known before, and memory that nobody has touched takes
 * longer than the rest.
 */
let scratch = new Int32Array(0);

function scratchOf(size: number): Int32Array {
  if (scratch.length < size) scratch = new Int32Array(size);
  return scratch;
}

/**
 * Nothing depends on which key is the lesser but three additions: a processor that has to guess which way a branch goes takes
 * twice as long.
 */
function walkThrough(small: Int32Array, large: Int32Array, common: Int32Array): number {
  let size = 0;
  let i = 0;
  let j = 0;
  while (i < small.length && j < large.length) {
    const x = keyAt(small, i);
    const y = keyAt(large, j);
    // Written in any case: the next one takes its place if only one of them holds it.
    common[size] = x;
    const isNotLess = Number(x >= y);
    const isNotGreater = Number(x <= y);
    size += isNotLess & isNotGreater;
    i += isNotGreater;
    j += isNotLess;
  }
  return size;
}

function gallopThrough(small: Int32Array, large: Int32Array, common: Int32Array): number {
  let size = 0;
  let j = 0;
  for (const key of small) {
    j = gallop(large, key, compareNumbers, j);
    if (j === large.length) break;
    if (large[j] === key) common[size++] = key;
  }
  return size;
}

export const compareNumbers = (a: number, b: number): number => a - b;

/** `at` of sorted-array for this type of array alone: shared with others, the engine makes it ten times slower. */
function keyAt(keys: Int32Array, index: number): number {
  return keys[index] as number;
}
