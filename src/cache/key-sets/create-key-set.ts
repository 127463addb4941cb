import { assertNever } from '../../errors/assert-never';
import type { PartitionKeyType, PartitionValue } from '../../query/partition-key';
import type { KeySet } from '../key-set';
import { FloatKeySet } from './float-key-set';
import { Int64KeySet } from './int64-key-set';
import { TextKeySet } from './text-key-set';

/** The key sets there are; what codecs and intersection work on. */
export type SortedKeySet = Int64KeySet | FloatKeySet | TextKeySet;

/**
 * The set of these values: canonical, sorted, without duplicates. Throws TypeError for a value the datatype cannot hold
 * (see partition-value.ts); it never drops or changes one.
 */
export function createKeySet(
  datatype: PartitionKeyType,
  values: Iterable<PartitionValue>,
  { hasNullKey = false }: { readonly hasNullKey?: boolean } = {},
): SortedKeySet {
  switch (datatype) {
    case 'integer':
    case 'timestamp':
      return Int64KeySet.from(datatype, values, hasNullKey);
    case 'float':
      return FloatKeySet.from(values, hasNullKey);
    case 'text':
      return TextKeySet.from(values, hasNullKey);
    default:
      return assertNever(datatype, 'datatype of a partition key');
  }
}

/** The set itself if it is one of ours, else a copy that is. */
export function toSortedKeySet(set: KeySet): SortedKeySet {
  if (set instanceof Int64KeySet || set instanceof FloatKeySet || set instanceof TextKeySet) return set;
  return createKeySet(set.datatype, set.values(), { hasNullKey: set.hasNullKey });
}

/** Whether both hold the same keys of the same datatype, NULL included. */
export function equalKeySets(a: KeySet, b: KeySet): boolean {
  if (a.datatype !== b.datatype || a.size !== b.size || a.hasNullKey !== b.hasNullKey) return false;
  const others = b.values()[Symbol.iterator]();
  for (const value of a.values()) {
    if (!Object.is(value, others.next().value)) return false;
  }
  return true;
}
