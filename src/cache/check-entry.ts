import { DatatypeMismatchError } from '../errors/datatype-mismatch-error';
import { KeyOutOfRangeError } from '../errors/key-out-of-range-error';
import { UnknownPartitionKeyError } from '../errors/unknown-partition-key-error';
import type { PartitionKeyType } from '../query/partition-key';
import type { CacheCapabilities, CacheEntry, DataExtent, IntegerRange } from './cache-backend';
import type { KeySet } from './key-set';
import { toSortedKeySet } from './key-sets/create-key-set';
import { Int64KeySet } from './key-sets/int64-key-set';

/**
 * Throws unless a backend can keep keys of this name and datatype, given what it has registered the name with so far, and what the data
 * are known to have. Keys above the range are not looked for: a set of lower ones is of use, and `cache.bits` can be raised.
 */
export function checkRegistration(
  backend: string,
  { keyTypes, integerRange }: CacheCapabilities,
  partitionKey: string,
  datatype: PartitionKeyType,
  known: PartitionKeyType | undefined,
  extent?: DataExtent,
): void {
  // Stores put names into keys and key ranges, with NUL as the separator.
  if (partitionKey === '' || /[\0\p{Surrogate}]/u.test(partitionKey)) {
    throw new TypeError(`not a name for a partition key: ${JSON.stringify(partitionKey)}`);
  }
  if (!keyTypes.has(datatype)) {
    const types = [...keyTypes].join(', ');
    throw new DatatypeMismatchError(
      partitionKey,
      `${backend} cannot hold keys of type ${datatype}, only ${types}`,
    );
  }
  if (known !== undefined && known !== datatype) {
    throw new DatatypeMismatchError(partitionKey, `registered in ${backend} as ${known}, not ${datatype}`);
  }
  const lowest = extent?.lowest;
  if (integerRange !== undefined && lowest !== undefined && lowest < integerRange.min)
    throw outOfRange(backend, integerRange, partitionKey, lowest);
}

/**
 * Throws unless an entry is whole and fits its partition key, registered with this datatype. Every backend asks before it
 * writes: a set of the wrong type, or a failure with keys, would be found only when a statement is answered from it.
 */
export function checkEntry(
  backend: string,
  capabilities: CacheCapabilities,
  entry: CacheEntry,
  registered: PartitionKeyType | undefined,
): void {
  const { fragment, keys, status } = entry;
  if (registered === undefined) throw new UnknownPartitionKeyError(backend, fragment.partitionKey);
  for (const datatype of [fragment.datatype, keys?.datatype ?? registered]) {
    if (datatype === registered) continue;
    throw new DatatypeMismatchError(
      fragment.partitionKey,
      `an entry of type ${datatype}, where it is ${registered}`,
    );
  }
  if (!/^[0-9a-f]{64}$/.test(fragment.hash))
    throw new TypeError(`not a fragment hash: ${JSON.stringify(fragment.hash)}`);
  if ((status === 'ok') !== (keys !== undefined)) {
    throw new TypeError(`an entry of status ${status} ${keys === undefined ? 'needs' : 'has no'} keys`);
  }
  if (entry.keyCount !== (keys?.size ?? 0) || entry.hasNullKey !== (keys?.hasNullKey ?? false)) {
    throw new TypeError('keyCount and hasNullKey of an entry are those of its keys');
  }
  if (keys !== undefined) checkRange(backend, capabilities, fragment.partitionKey, keys);
}

function checkRange(
  backend: string,
  { integerRange }: CacheCapabilities,
  partitionKey: string,
  keys: KeySet,
): void {
  if (integerRange === undefined) return;
  const set = toSortedKeySet(keys);
  if (!(set instanceof Int64KeySet)) return;
  const outside = outsideOf(integerRange, [set.sorted[0], set.sorted.at(-1)]);
  if (outside === undefined) return;
  throw outOfRange(backend, integerRange, partitionKey, outside);
}

/** Which of a set's lowest and highest key there is no room for; the one that is told of two. */
export function outsideOf(
  { min, max }: IntegerRange,
  ends: readonly [bigint | undefined, bigint | undefined],
): bigint | undefined {
  return ends.find((key) => key !== undefined && (key < min || key > max));
}

/** A key there is no room for, and what to do about it. */
export function outOfRange(
  backend: string,
  { min, max }: IntegerRange,
  partitionKey: string,
  outside: bigint,
): KeyOutOfRangeError {
  const remedy = outside < min ? 'another backend holds negative keys' : 'cache.bits can be raised';
  const message = `${backend} holds keys from ${min} to ${max}, not ${outside}; ${remedy}`;
  return new KeyOutOfRangeError(partitionKey, outside, message);
}
