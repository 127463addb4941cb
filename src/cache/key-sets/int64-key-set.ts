import type { PartitionValue } from '../../query/partition-key';
import type { KeySet } from '../key-set';
import { intersectInt64s } from './int64-intersection';
import { compareNumbers, intersectNarrow, isInt32, narrowed, widened } from './narrow-keys';
import { toInt64 } from './partition-value';
import { at, includesSorted } from './sorted-array';

const compareBigints = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** Keys of type integer, or timestamps in microseconds since 2000-01-01: 8 bytes each, or 4 if all are of 32 bits. */
export class Int64KeySet implements KeySet {
  readonly size: number;
  readonly bytes: number;

  private constructor(
    readonly datatype: 'integer' | 'timestamp',
    /** Ascending and distinct; of 32 bits whenever they can be. */
    private readonly keys: BigInt64Array | Int32Array,
    readonly hasNullKey: boolean,
  ) {
    this.size = keys.length;
    this.bytes = 96 + keys.byteLength;
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
    return new Int64KeySet(datatype, narrowed(sorted) ?? sorted, hasNullKey);
  }

  /** Ascending and distinct; not to be written to. Made anew for each call if the keys are of 32 bits. */
  get sorted(): BigInt64Array {
    return this.keys instanceof Int32Array ? widened(this.keys) : this.keys;
  }

  has(value: PartitionValue): boolean {
    const key = toInt64(this.datatype, value);
    if (this.keys instanceof BigInt64Array) return includesSorted(this.keys, key, compareBigints);
    return isInt32(key) && includesSorted(this.keys, Number(key), compareNumbers);
  }

  *values(): IterableIterator<bigint> {
    for (const key of this.keys) yield BigInt(key);
  }

  intersect(other: Int64KeySet): Int64KeySet {
    const [small, large] = this.size <= other.size ? [this, other] : [other, this];
    const hasNullKey = this.hasNullKey && other.hasNullKey;
    if (small.keys instanceof Int32Array && large.keys instanceof Int32Array)
      return new Int64KeySet(this.datatype, intersectNarrow(small.keys, large.keys), hasNullKey);
    return Int64KeySet.ofSorted(this.datatype, intersectInt64s(small.sorted, large.sorted), hasNullKey);
  }
}
