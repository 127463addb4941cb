import { KeyOutOfRangeError } from '../../errors/key-out-of-range-error';
import type { CacheBackend, CacheEntry } from '../cache-backend';
import type { CacheContent } from './cache-content';

export interface PutReport {
  readonly put: number;
  /** Entries the target has no room for, with the reason; they are not in it. */
  readonly refused: readonly { readonly entry: CacheEntry; readonly reason: string }[];
}

/**
 * Puts all of a cache's content into another backend, beside what is there; an entry of the same name is replaced. Rejects with
 * DatatypeMismatchError, before anything is put, if the target cannot hold a partition key's datatype.
 */
export async function putContent(
  { partitionKeys, entries }: CacheContent,
  target: CacheBackend,
): Promise<PutReport> {
  for (const [name, datatype] of partitionKeys) await target.registerPartitionKey(name, datatype);
  let put = 0;
  const refused: { entry: CacheEntry; reason: string }[] = [];
  for await (const entry of entries) {
    try {
      await target.put(entry);
      put += 1;
    } catch (error) {
      if (!(error instanceof KeyOutOfRangeError)) throw error;
      refused.push({ entry: { ...entry, keys: undefined }, reason: error.message });
    }
  }
  return { put, refused };
}
