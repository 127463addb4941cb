import type { LastUsed } from '../../last-used-notes';
import { encodeLastUsed } from './entry-records';
import type { NativeOperation } from './native-rocksdb';
import type { RocksdbStore } from './rocksdb-store';
import { entryKey } from './store-layout';

/**
 * Writes when entries were last used; of those that exist, since a note without an entry would stay for ever. Not
 * synced: losing notes does no harm. To be run as a change, so that no entry comes or goes meanwhile.
 */
export async function writeNotes(store: RocksdbStore, notes: ReadonlyMap<string, LastUsed>): Promise<void> {
  const noted = [...notes].flatMap(([partitionKey, ofKey]) =>
    [...ofKey].map(([hash, at]) => ({ partitionKey, hash, at })),
  );
  const descriptions = await store.getMany(
    noted.map(({ partitionKey, hash }) => entryKey(partitionKey, hash, 'description')),
  );
  const operations = noted
    .filter((_, i) => descriptions[i] !== undefined)
    .map(({ partitionKey, hash, at }): NativeOperation => ({
      type: 'put',
      key: entryKey(partitionKey, hash, 'lastUsed'),
      value: encodeLastUsed(at),
    }));
  await store.write(operations, { sync: false });
}
