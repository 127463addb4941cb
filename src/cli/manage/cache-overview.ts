import type { CommandModule } from 'yargs';
import type { CacheBackend } from '../../cache/cache-backend';
import { noBenefit } from '../../cache/entry-benefit';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';
import { type JsonFlag, tell, tellPeople, withJsonFlag } from '../output';

/** What the cache has of one partition key. Names as in the output for machines. */
export interface KeyOverview {
  readonly partition_key: string;
  readonly datatype: string;
  readonly entries: number;
  readonly ok: number;
  readonly failed: number;
  readonly keys: number;
  readonly bytes: number;
  readonly uses: number;
  readonly saved_ms: number;
  readonly oldest: string | undefined;
  readonly last_used: string | undefined;
}

export const cacheOverviewCommand: CommandModule<object, ConfigFlags & JsonFlag> = {
  command: 'overview',
  describe: 'Say of each partition key how many fragments are known, what they take, and what they saved',
  builder: (argv) =>
    withJsonFlag(withConfigFlags(argv), 'for each partition key').example(
      '$0 manage cache overview -c pcache.yaml',
      '',
    ),
  handler: async (flags) => {
    await using cache = await openedCache(flags);
    const all = await overviewOf(cache);
    if (all.length === 0) tellPeople(flags, 'no partition key is registered');
    for (const each of all) tell(flags, each, describeKey(each));
  },
};

export async function overviewOf(cache: CacheBackend): Promise<readonly KeyOverview[]> {
  const all: KeyOverview[] = [];
  for (const [name, datatype] of await cache.partitionKeys()) {
    const sum = { entries: 0, ok: 0, keys: 0, bytes: 0, uses: 0, saved_ms: 0 };
    let [oldest, lastUsed] = [Infinity, -Infinity];
    for await (const entry of cache.list(name)) {
      const { uses, savedMs } = entry.benefit ?? noBenefit;
      sum.entries += 1;
      sum.ok += entry.status === 'ok' ? 1 : 0;
      sum.keys += entry.keyCount;
      sum.bytes += entry.bytes ?? 0;
      sum.uses += uses;
      sum.saved_ms += savedMs;
      oldest = Math.min(oldest, entry.createdAt);
      lastUsed = Math.max(lastUsed, entry.lastUsedAt);
    }
    const at = (ms: number): string | undefined =>
      Number.isFinite(ms) ? new Date(ms).toISOString() : undefined;
    all.push({
      ...{ partition_key: name, datatype, ...sum, failed: sum.entries - sum.ok },
      ...{ saved_ms: Math.round(sum.saved_ms), oldest: at(oldest), last_used: at(lastUsed) },
    });
  }
  return all;
}

export function describeKey(key: KeyOverview): string {
  const used = key.last_used === undefined ? '' : `, last used ${key.last_used}`;
  return (
    `${key.partition_key} (${key.datatype}): ${key.entries} entries, ${key.failed} of them without keys; ${key.keys} keys in ${key.bytes} bytes; ` +
    `used ${key.uses} times, ${key.saved_ms} ms saved${used}`
  );
}
