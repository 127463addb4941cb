import type { PartitionValue } from '../../query/partition-key';
import type { KeySet } from '../key-set';
import { toInt64 } from './partition-value';
import { at, gallopingRatio, includesSorted } from './sorted-array';

/** Where the two halves of a 64-bit integer stand in memory. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const lowWord = isLittleEndian ? 0 : 1;
const highWord = 1 - lowWord;

const compareBigints = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** Keys of type integer, or timestamps in microseconds since 2000-01-01: 8 bytes each. */
export class Int64KeySet implements KeySet {
  readonly size: number;
  readonly bytes: number;
  /** The same memory as 32-bit words: reading a BigInt64Array allocates, which costs ten times the comparison. */
  private readonly words: Int32Array;
  /** Whether the low halves alone, as signed integers, tell the keys apart and their order. */
  private readonly isNarrow: boolean;

  private constructor(
    readonly datatype: 'integer' | 'timestamp',
    /** Ascending and distinct. Not to be written to. */
    readonly sorted: BigInt64Array,
    readonly hasNullKey: boolean,
  ) {
    this.size = sorted.length;
    this.bytes = 96 + sorted.byteLength;
    this.words = new Int32Array(sorted.buffer, sorted.byteOffset, sorted.length * 2);
    this.isNarrow = sorted.length === 0 || (isInt32(at(sorted, 0)) && isInt32(at(sorted, sorted.length - 1)));
  }

  /** Sorts and removes duplicates; throws TypeError for what is no 64-bit integer. */
  static from(
    datatype: 'integer' | 'timestamp',
    values: Iterable<PartitionValue>,
    hasNullKey: boolean,
  ): Int64KeySet {
    const sorted = BigInt64Array.from(values, (value) => toInt64(datatype, value)).sort();
    let size = 0;
    for (let i = 0; i < sorted.length; i++) {
      if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[size++] = at(sorted, i);
    }
    return Int64KeySet.ofSorted(
      datatype,
      size === sorted.length ? sorted : sorted.slice(0, size),
      hasNullKey,
    );
  }

  /** Takes the array over; it must be ascending and distinct. */
  static ofSorted(
    datatype: 'integer' | 'timestamp',
    sorted: BigInt64Array,
    hasNullKey: boolean,
  ): Int64KeySet {
    return new Int64KeySet(datatype, sorted, hasNullKey);
  }

  has(value: PartitionValue): boolean {
    return includesSorted(this.sorted, toInt64(this.datatype, value), compareBigints);
  }

  values(): IterableIterator<bigint> {
    return this.sorted.values();
  }

  intersect(other: Int64KeySet): Int64KeySet {
    const [small, large] = this.size <= other.size ? [this, other] : [other, this];
    const common = scratchOf(small.size);
    const words = new Int32Array(common.buffer);
    const isGalloping = large.size > small.size * gallopingRatio;
    if (!isGalloping && small.isNarrow && large.isNarrow) {
      const found = intersectNarrow(small.words, large.words, words);
      return Int64KeySet.ofSorted(this.datatype, common.slice(0, found), this.hasNullKey && other.hasNullKey);
    }
    let size = 0;
    let j = 0;
    for (let i = 0; i < small.size && j < large.size; i++) {
      const high = word(small.words, 2 * i + highWord);
      const low = word(small.words, 2 * i + lowWord) >>> 0;
      if (isGalloping) j = gallopWords(large.words, large.size, high, low, j);
      else while (j < large.size && isLess(large.words, j, high, low)) j++;
      if (j === large.size) break;
      if (word(large.words, 2 * j + highWord) === high && word(large.words, 2 * j + lowWord) >>> 0 === low) {
        words[2 * size + highWord] = high;
        words[2 * size + lowWord] = low;
        size++;
      }
    }
    return Int64KeySet.ofSorted(this.datatype, common.slice(0, size), this.hasNullKey && other.hasNullKey);
  }
}

function isInt32(key: bigint): boolean {
  return BigInt.asIntN(32, key) === key;
}

/** As long as the longest set so far: what an intersection needs is not known before, and memory that nobody has touched takes longer than the rest. */
let scratch = new BigInt64Array(0);

function scratchOf(size: number): BigInt64Array<ArrayBuffer> {
  if (scratch.length < size) scratch = new BigInt64Array(size);
  return scratch;
}

/**
 * Writes what both hold to `common`, at least as long as `small`; returns how many they are. Nothing depends on which key is
 * the lesser but three additions: a processor that has to guess which way a branch goes takes twice as long.
 */
function intersectNarrow(small: Int32Array, large: Int32Array, common: Int32Array): number {
  let size = 0;
  let i = 0;
  let j = 0;
  while (i < small.length && j < large.length) {
    const x = word(small, i + lowWord);
    const y = word(large, j + lowWord);
    // Written in any case: the next one takes its place if only one of them holds it.
    common[size + lowWord] = x;
    common[size + highWord] = x >> 31;
    const isNotLess = Number(x >= y);
    const isNotGreater = Number(x <= y);
    size += (isNotLess & isNotGreater) << 1;
    i += isNotGreater << 1;
    j += isNotLess << 1;
  }
  return size >> 1;
}

/** Whether the integer at an index is less than the one with these halves; `low` is unsigned. */
function isLess(words: Int32Array, index: number, high: number, low: number): boolean {
  const itsHigh = word(words, 2 * index + highWord);
  return itsHigh < high || (itsHigh === high && word(words, 2 * index + lowWord) >>> 0 < low);
}

/** `gallop` of sorted-array, on halves. */
function gallopWords(words: Int32Array, size: number, high: number, low: number, from: number): number {
  let step = 1;
  let start = from;
  while (start + step < size && isLess(words, start + step, high, low)) {
    start += step;
    step *= 2;
  }
  let end = Math.min(start + step + 1, size);
  while (start < end) {
    const middle = (start + end) >>> 1;
    if (isLess(words, middle, high, low)) start = middle + 1;
    else end = middle;
  }
  return start;
}

/** `at` of sorted-array for this type of array alone: shared with others, the engine makes it ten times slower. */
function word(words: Int32Array, index: number): number {
  return words[index] as number;
}
