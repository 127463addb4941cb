import { addBenefit } from '../../entry-benefit';
import type { NotedUse, NotedUses } from '../../use-notes';
import { encodeUse } from './entry-records';
import type { NativeOperation } from './native-rocksdb';
import type { RocksdbStore } from './rocksdb-store';
import { entryKey } from './store-layout';

/**
 * Adds what is noted of the use of entries to what is written of it; of those that exist, since a note without an entry would stay for ever.
 * Not synced: losing notes does no harm. To be run as a change, so that no entry comes or goes meanwhile.
 */
export async function writeNotes(
  store: RocksdbStore,
  notes: ReadonlyMap<string, NotedUses>,
  read: (record: Buffer | undefined) => NotedUse,
): Promise<void> {
  const noted = [...notes].flatMap(([partitionKey, ofKey]) =>
    [...ofKey].map(([hash, use]) => ({ partitionKey, hash, use })),
  );
  const keysOf = (part: 'description' | 'use'): Buffer[] =>
    noted.map(({ partitionKey, hash }) => entryKey(partitionKey, hash, part));
  const records = await store.getMany([...keysOf('description'), ...keysOf('use')]);
  const operations = noted.flatMap(({ partitionKey, hash, use }, i): NativeOperation[] => {
    if (records[i] === undefined) return [];
    const written = read(records[noted.length + i]);
    const value = encodeUse({ at: Math.max(use.at, written.at), ...addBenefit(written, use) });
    return [{ type: 'put', key: entryKey(partitionKey, hash, 'use'), value }];
  });
  await store.write(operations, { sync: false });
}
