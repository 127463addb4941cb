import type { PartitionValue } from '../../query/partition-key';
import type { KeySet } from '../key-set';
import { toFloat } from './partition-value';
import { at, commonIndexes, includesSorted } from './sorted-array';

/** PostgreSQL's order of float8: NaN equals itself and comes after infinity. */
export function compareFloats(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** Keys of type float, 8 bytes each, in canonical form: no -0, one NaN. */
export class FloatKeySet implements KeySet {
  readonly datatype = 'float';
  readonly size: number;
  readonly bytes: number;

  private constructor(
    /** Ascending as PostgreSQL sorts, distinct. Not to be written to. */
    readonly sorted: Float64Array,
    readonly hasNullKey: boolean,
  ) {
    this.size = sorted.length;
    this.bytes = 96 + sorted.byteLength;
  }

  /** Sorts and removes duplicates; throws TypeError for what is no number. */
  static from(values: Iterable<PartitionValue>, hasNullKey: boolean): FloatKeySet {
    // A Float64Array sorts by number, NaN last: no comparison function needed.
    const sorted = Float64Array.from(values, toFloat).sort();
    let size = 0;
    for (let i = 0; i < sorted.length; i++) {
      const value = at(sorted, i);
      if (i === 0 || compareFloats(value, at(sorted, i - 1)) !== 0) sorted[size++] = value;
    }
    return FloatKeySet.ofSorted(size === sorted.length ? sorted : sorted.slice(0, size), hasNullKey);
  }

  /** Takes the array over; it must be canonical, ascending and distinct. */
  static ofSorted(sorted: Float64Array, hasNullKey: boolean): FloatKeySet {
    return new FloatKeySet(sorted, hasNullKey);
  }

  has(value: PartitionValue): boolean {
    return includesSorted(this.sorted, toFloat(value), compareFloats);
  }

  values(): IterableIterator<number> {
    return this.sorted.values();
  }

  intersect(other: FloatKeySet): FloatKeySet {
    const [small, large] = this.size <= other.size ? [this, other] : [other, this];
    const common = commonIndexes(small.sorted, large.sorted, compareFloats);
    return FloatKeySet.ofSorted(
      Float64Array.from(common, (i) => at(small.sorted, i)),
      this.hasNullKey && other.hasNullKey,
    );
  }
}
