import type { CacheBackend } from '../../cache/cache-backend';
import { StartError } from '../../errors/start-error';
import { unknownName } from '../unknown-name';

/** Rejects with StartError if a partition key is named that the cache has not; what is about it would do nothing, without a word. */
export async function checkPartitionKey(cache: CacheBackend, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const known = [...(await cache.partitionKeys()).keys()];
  if (!known.includes(name)) throw new StartError(unknownName('partition key', name, 'in the cache', known));
}
