import type { CacheBackend } from '../../cache/cache-backend';
import { confirm } from '../confirm';
import { type JsonFlag, tell } from '../output';
import type { YesFlag } from '../yes-flag';
import { checkPartitionKey } from './known-partition-key';

/** Removes a partition key with all its entries, or all of them, after asking. Rejects with StartError if there is none of the name. */
export async function dropPartitionKeys(
  cache: CacheBackend,
  only: string | undefined,
  flags: JsonFlag & YesFlag,
): Promise<void> {
  await checkPartitionKey(cache, only);
  const known = [...(await cache.partitionKeys()).keys()];
  for (const name of only === undefined ? known : [only]) {
    if (!(await confirm(`Remove ${name} and its ${await cache.count(name)} entries`, flags.yes))) continue;
    const removed = await cache.dropPartitionKey(name);
    tell(flags, { partitionKey: name, removed }, `${name}: ${removed} entries removed`);
  }
}
