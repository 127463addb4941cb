import type { FragmentHash } from '../../../query/fragment/fragment';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { openRecord, sealRecord } from '../../codecs/record';
import type { NativeOperation } from './native-rocksdb';
import type { RocksdbStore } from './rocksdb-store';
import { DamagedStoreError } from './store-errors';
import { bucketKey } from './store-layout';

/*
 * Which entries a partition key has: the SHA-256 hashes, 32 bytes each, in 256 buckets by their first byte. A put rewrites
 * one bucket: 12 kB where there are 100,000 entries, a few bytes where there are hundreds.
 */
const bucketCount = 256;
const hashBytes = 32;

/** The hashes of all entries of a partition key, from one snapshot, in order of their buckets. */
export async function readIndex(store: RocksdbStore, partitionKey: string): Promise<readonly FragmentHash[]> {
  const records = await store.getMany(bucketKeys(partitionKey));
  return records.flatMap((record) => hashesOf(record));
}

/** What must be written so that an entry is listed, or is not; nothing if that is so already. Not to be run beside another. */
export async function indexOperations(
  store: RocksdbStore,
  partitionKey: string,
  hash: FragmentHash,
  { isListed }: { readonly isListed: boolean },
): Promise<readonly NativeOperation[]> {
  const key = bucketKey(partitionKey, parseInt(hash.slice(0, 2), 16));
  const [record] = await store.getMany([key]);
  const before = hashesOf(record);
  if (before.includes(hash) === isListed) return [];
  const after = isListed ? [...before, hash] : before.filter((other) => other !== hash);
  if (after.length === 0) return [{ type: 'del', key }];
  return [{ type: 'put', key, value: sealRecord('index', Buffer.from(after.join(''), 'hex')) }];
}

/** Removes the index of a partition key. */
export function dropIndexOperations(partitionKey: string): readonly NativeOperation[] {
  return bucketKeys(partitionKey).map((key) => ({ type: 'del', key }));
}

function bucketKeys(partitionKey: string): readonly Buffer[] {
  return Array.from({ length: bucketCount }, (_, bucket) => bucketKey(partitionKey, bucket));
}

/** Throws DamagedStoreError: entries that nobody can find any more are a matter of the whole store. */
function hashesOf(record: Buffer | undefined): readonly FragmentHash[] {
  if (record === undefined) return [];
  try {
    const payload = openRecord('index', record);
    return Array.from(
      { length: payload.length / hashBytes },
      (_, i) => payload.toString('hex', i * hashBytes, (i + 1) * hashBytes) as FragmentHash,
    );
  } catch (cause) {
    if (!(cause instanceof DamagedRecordError)) throw cause;
    throw new DamagedStoreError(`the index of entries ${cause.message}`, { cause });
  }
}
