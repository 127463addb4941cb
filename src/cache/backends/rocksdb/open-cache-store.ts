import type { PartitionKeyType } from '../../../query/partition-key';
import type { CacheWarning } from '../../cache-warning';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { openRecord, sealRecord } from '../../codecs/record';
import { decodeRegistrations, encodeRegistrations } from '../../codecs/registrations-codec';
import { checkCacheDirectory, directoryIdentity, setAside } from './cache-directory';
import { RocksdbStore } from './rocksdb-store';
import { DamagedStoreError } from './store-errors';
import { layoutKey, layoutVersion, registrationsKey } from './store-layout';

export interface CacheStore {
  readonly store: RocksdbStore;
  readonly registered: Map<string, PartitionKeyType>;
}

/**
 * Opens the cache in a directory, or starts one there. A cache that cannot be read is set aside with a warning and an empty
 * one takes its place: everything in it can be computed again. Rejects with StartError if the directory is locked, is
 * not a cache's, or cannot be used; nothing is renamed then.
 */
export async function openCacheStore(
  backend: string,
  directory: string,
  warn: CacheWarning,
): Promise<CacheStore> {
  await checkCacheDirectory(directory);
  const identity = await directoryIdentity(directory);
  try {
    return await openSound(backend, directory);
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    await setAsideDamaged(directory, identity, error, warn);
    return openSound(backend, directory);
  }
}

/** Renames the directory of a closed, damaged cache; see setAside. */
export async function setAsideDamaged(
  directory: string,
  identity: bigint | undefined,
  cause: DamagedStoreError,
  warn: CacheWarning,
): Promise<void> {
  const target = await setAside(directory, identity, new Date());
  if (target === undefined) return;
  warn(
    `the cache in ${directory} cannot be read; it is now ${target} and may be removed; starting an empty one`,
    cause,
  );
}

async function openSound(backend: string, directory: string): Promise<CacheStore> {
  const store = await RocksdbStore.open(backend, directory);
  try {
    await checkLayout(store, `${backend} ${layoutVersion}`);
    const [registrations] = await store.getMany([registrationsKey]);
    // A store that has no such record has no partition keys.
    return { store, registered: decodeRegistrations(registrations ?? encodeRegistrations(new Map())) };
  } catch (error) {
    await store.close();
    throw error instanceof DamagedRecordError
      ? new DamagedStoreError(`a record every cache has ${error.message}`, { cause: error })
      : error;
  }
}

async function checkLayout(store: RocksdbStore, expected: string): Promise<void> {
  const [record] = await store.getMany([layoutKey]);
  if (record === undefined) {
    const value = sealRecord('layout', Buffer.from(expected));
    return store.write([{ type: 'put', key: layoutKey, value }], { sync: true });
  }
  const found = openRecord('layout', record).toString('utf8');
  if (found !== expected) throw new DamagedStoreError(`it is a cache of ${found}, not of ${expected}`);
}
