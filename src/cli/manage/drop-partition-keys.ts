import type { CacheBackend } from '../../cache/cache-backend';
import { StartError } from '../../errors/start-error';
import { nearestName } from '../../ops/config/nearest-name';
import { confirm } from '../confirm';
import { type JsonFlag, tell } from '../output';
import type { YesFlag } from '../yes-flag';

/** Removes a partition key with all its entries, or all of them, after asking. Rejects with StartError if there is none of the name. */
export async function dropPartitionKeys(
  cache: CacheBackend,
  only: string | undefined,
  flags: JsonFlag & YesFlag,
): Promise<void> {
  const known = [...(await cache.partitionKeys()).keys()];
  if (only !== undefined && !known.includes(only)) {
    const others = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
    const nearest = nearestName(only, known);
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw new StartError(`there is no partition key ${only} in the cache: ${others}${hint}`);
  }
  for (const name of only === undefined ? known : [only]) {
    if (!(await confirm(`Remove ${name} and its ${await cache.count(name)} entries`, flags.yes))) continue;
    const removed = await cache.dropPartitionKey(name);
    tell(flags, { partitionKey: name, removed }, `${name}: ${removed} entries removed`);
  }
}
