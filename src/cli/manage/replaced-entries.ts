import type { CacheBackend, EntryDescription } from '../../cache/cache-backend';
import { confirm } from '../confirm';

/**
 * Asks, if entries of a cache would be replaced by others of the same fragments; resolves to whether to go on. Throws UsageError where
 * nobody can be asked.
 */
export async function confirmReplacing(
  entries: AsyncIterable<Pick<EntryDescription, 'fragment'>>,
  target: CacheBackend,
  isYes: boolean,
): Promise<boolean> {
  if (isYes || (await countAll(target)) === 0) return true;
  let replaced = 0;
  for await (const { fragment } of entries)
    if ((await target.describe(fragment.partitionKey, fragment.hash)) !== undefined) replaced += 1;
  return replaced === 0 || (await confirm(`Replace ${replaced} entries of ${target.name}`, isYes));
}

/** How many entries there are of all partition keys together. */
export async function countAll(cache: CacheBackend): Promise<number> {
  let sum = 0;
  for (const name of (await cache.partitionKeys()).keys()) sum += await cache.count(name);
  return sum;
}
