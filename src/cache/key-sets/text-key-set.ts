import type { PartitionValue } from '../../query/partition-key';
import type { KeySet } from '../key-set';
import { compareCodePoints } from './compare-code-points';
import { toText } from './partition-value';
import { at, commonIndexes, includesSorted } from './sorted-array';

/** Besides its characters, for which UTF-8 is near enough: header, map and length of a string, and the array's pointer to it (V8, 64 bits). */
const bytesPerString = 24;

/** Keys of type text, sorted by code point, that is by their UTF-8 bytes. */
export class TextKeySet implements KeySet {
  readonly datatype = 'text';
  readonly size: number;
  readonly bytes: number;

  private constructor(
    /** Ascending by code point, distinct. */
    readonly sorted: readonly string[],
    readonly hasNullKey: boolean,
  ) {
    this.size = sorted.length;
    this.bytes = sorted.reduce((bytes, text) => bytes + bytesPerString + Buffer.byteLength(text), 96);
  }

  /** Sorts and removes duplicates; throws TypeError for what PostgreSQL cannot hold as text. */
  static from(values: Iterable<PartitionValue>, hasNullKey: boolean): TextKeySet {
    const distinct = new Set<string>();
    for (const value of values) distinct.add(toText(value));
    return TextKeySet.ofSorted([...distinct].sort(compareCodePoints), hasNullKey);
  }

  /** Takes the array over; its strings must be valid, ascending by code point and distinct. */
  static ofSorted(sorted: readonly string[], hasNullKey: boolean): TextKeySet {
    return new TextKeySet(sorted, hasNullKey);
  }

  has(value: PartitionValue): boolean {
    return includesSorted(this.sorted, toText(value), compareCodePoints);
  }

  values(): IterableIterator<string> {
    return this.sorted.values();
  }

  intersect(other: TextKeySet): TextKeySet {
    const [small, large] = this.size <= other.size ? [this, other] : [other, this];
    const common = commonIndexes(small.sorted, large.sorted, compareCodePoints);
    return TextKeySet.ofSorted(
      common.map((i) => at(small.sorted, i)),
      this.hasNullKey && other.hasNullKey,
    );
  }
}
