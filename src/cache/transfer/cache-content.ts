import type { PartitionKeyType } from '../../query/partition-key';
import type { CacheBackend, CacheEntry } from '../cache-backend';

/** What a cache holds, to be read once: its partition keys, then its entries one after the other. */
export interface CacheContent {
  readonly partitionKeys: ReadonlyMap<string, PartitionKeyType>;
  readonly entries: AsyncIterable<CacheEntry>;
}

/** The content of an open backend; entries that come or go meanwhile may be in it or not. */
export async function contentOf(backend: CacheBackend): Promise<CacheContent> {
  return { partitionKeys: await backend.partitionKeys(), entries: entriesOf(backend) };
}

async function* entriesOf(backend: CacheBackend): AsyncGenerator<CacheEntry, void, undefined> {
  for await (const { fragment } of backend.list()) {
    const entry = await backend.get(fragment.partitionKey, fragment.hash);
    if (entry !== undefined) yield entry;
  }
}
