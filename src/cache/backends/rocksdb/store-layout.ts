import type { FragmentHash } from '../../../query/fragment/fragment';
import type { NativeRange } from './native-rocksdb';

/**
 * The keys of the store. `name` is a partition key's name in UTF-8, without NUL (check-entry.ts sees to it), so that no name
 * is the beginning of another followed by the separator:
 *
 *     f                        layout of this store
 *     p name                   a registered partition key: its datatype
 *     e name NUL hash d        an entry's description
 *     e name NUL hash u        when it was last used, if later than the description says
 *     k name NUL hash          an entry's keys
 *
 * Descriptions lie together, without the keys: listing them reads no key set.
 */
const separator = 0;

/** Its value names the backend and the layout above; a store with another one is set aside. */
export const layoutKey = Buffer.from('f');
export const layoutVersion = 1;

export type EntryPart = 'description' | 'lastUsed';
const partSuffixes: Readonly<Record<EntryPart, string>> = { description: 'd', lastUsed: 'u' };

export const registrationRange: NativeRange = { gte: Buffer.from('p'), lt: Buffer.from('q'), values: true };

export function registrationKey(partitionKey: string): Buffer {
  return Buffer.from(`p${partitionKey}`);
}

export function partitionKeyOfRegistration(key: Buffer): string {
  return key.toString('utf8', 1);
}

export function entryKey(partitionKey: string, hash: FragmentHash, part: EntryPart): Buffer {
  return Buffer.from(`e${partitionKey}\0${hash}${partSuffixes[part]}`);
}

export function keySetKey(partitionKey: string, hash: FragmentHash): Buffer {
  return Buffer.from(`k${partitionKey}\0${hash}`);
}

/** Descriptions and times of use; of one partition key, or of all. */
export function entryRange(
  partitionKey?: string,
  { values = true }: { readonly values?: boolean } = {},
): NativeRange {
  return { ...bounds('e', partitionKey), values };
}

export function keySetRange(partitionKey: string): NativeRange {
  return { ...bounds('k', partitionKey), values: false };
}

/** What a key of an entryRange says; undefined if it is none of ours. */
export function readEntryKey(
  key: Buffer,
): { readonly partitionKey: string; readonly hash: FragmentHash; readonly part: EntryPart } | undefined {
  const end = key.indexOf(separator);
  const suffix = key.toString('latin1', key.length - 1);
  const part = (['description', 'lastUsed'] as const).find((candidate) => partSuffixes[candidate] === suffix);
  if (end < 0 || part === undefined) return undefined;
  return {
    partitionKey: key.toString('utf8', 1, end),
    hash: key.toString('utf8', end + 1, key.length - 1) as FragmentHash,
    part,
  };
}

function bounds(prefix: string, partitionKey: string | undefined): Pick<NativeRange, 'gte' | 'lt'> {
  if (partitionKey === undefined) {
    return { gte: Buffer.from(prefix), lt: Buffer.from(String.fromCharCode(prefix.charCodeAt(0) + 1)) };
  }
  return { gte: Buffer.from(`${prefix}${partitionKey}\0`), lt: Buffer.from(`${prefix}${partitionKey}\x01`) };
}
