import type { FragmentHash } from '../../../query/fragment/fragment';

/**
 * The keys of the store. `name` is a partition key's name in UTF-8, without NUL (check-entry.ts sees to it), so that keys of
 * two partition keys are never the same:
 *
 *     f                        backend and layout of this store
 *     p                        the registered partition keys and their datatypes
 *     i name NUL bucket        which entries there are, by the first byte of their hash
 *     e name NUL hash          an entry's description
 *     u name NUL hash          how often it was used, and when last, if it was
 *     k name NUL hash          an entry's keys
 *
 * Everything is found by key, nothing by reading a range: the binding's iterators skip RocksDB's checksums, and over a
 * damaged block they end the process (README.md beside the backends). Descriptions are apart from the keys, so that
 * listing them reads no key set.
 */
export const layoutVersion = 1;

export const layoutKey = Buffer.from('f');
export const registrationsKey = Buffer.from('p');

export function bucketKey(partitionKey: string, bucket: number): Buffer {
  return Buffer.from(`i${partitionKey}\0${bucket.toString(16).padStart(2, '0')}`);
}

export type EntryPart = 'description' | 'use' | 'keySet';
const partPrefixes: Readonly<Record<EntryPart, string>> = { description: 'e', use: 'u', keySet: 'k' };

export function entryKey(partitionKey: string, hash: FragmentHash, part: EntryPart): Buffer {
  return Buffer.from(`${partPrefixes[part]}${partitionKey}\0${hash}`);
}
