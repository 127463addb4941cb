import type { CommandModule } from 'yargs';
import { type Eviction, lastUse } from '../../cache/eviction/choose-evictions';
import { evictEntries } from '../../cache/eviction/evict-entries';
import { hasLimit } from '../../cache/eviction/eviction-policy';
import { createLog } from '../../ops/log/create-log';
import { loadUpstreamTls } from '../load-tls';
import { openCacheBackend } from '../open-cache-backend';
import { UsageError } from '../usage-error';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';
import { configWithLimits, type LimitFlags, limitFlagNames, withLimitFlags } from './limit-flags';

interface RunFlags extends EvictionFlags, LimitFlags {
  readonly 'partition-key': string | undefined;
  readonly 'dry-run': boolean;
}

export const evictionRunCommand: CommandModule<object, RunFlags> = {
  command: ['run', 'manual-run'],
  describe: 'Remove now what is beyond the limits; the proxy must not run if the cache is in its directory',
  builder: (argv) =>
    withLimitFlags(withEvictionFlags(argv), 'what is set up in the database, or what the configuration says')
      .option('partition-key', {
        type: 'string',
        requiresArg: true,
        describe: 'Only entries of this partition key, which all limits are then about',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say what would go, one JSON object a line',
      })
      .example('$0 eviction run --max-bytes 1000000000 --dry-run -c pcache.yaml', ''),
  handler: async ({ 'partition-key': partitionKey, 'dry-run': isDry, ...flags }) => {
    const isAsSetUp = partitionKey === undefined && limitFlagNames.every((name) => flags[name] === undefined);
    if (isAsSetUp && (await ranInDatabase(flags, isDry))) return;
    const config = configWithLimits(flags);
    const { limits } = config.eviction;
    if (!hasLimit(limits))
      throw new UsageError('there is no limit: set one under eviction, or say for instance --max-entries');
    await using cache = await openCacheBackend(config.cache, loadUpstreamTls(config), createLog(config.log));
    const report = await evictEntries(cache, limits, {
      ...{ partitionKey, isDry },
      ...(isDry ? { onEviction: (eviction) => void process.stdout.write(lineOf(eviction)) } : {}),
    });
    const { entries, bytes, evicted, evictedBytes, byReason } = report;
    const reasons = Object.entries(byReason).map(([reason, count]) => `${reason} ${count}`);
    process.stdout.write(
      `${evicted} of ${entries} entries ${isDry ? 'would be ' : ''}evicted, ${evictedBytes} of ${bytes} bytes (${reasons.join(', ')})\n`,
    );
  },
};

/** Whether eviction is set up where the cache is: then it has limits and a log of its own. */
async function ranInDatabase(flags: EvictionFlags, isDry: boolean): Promise<boolean> {
  if (!configWithLimits(flags).cache.backend.startsWith('postgresql_')) return false;
  await using place = evictingDatabase(flags);
  const { eviction } = place;
  if ((await eviction.find()) === undefined) return false;
  if (isDry) {
    const choice = await eviction.choice();
    for (const { partitionKey, hash, reason, bytes, lastUse: at } of choice)
      process.stdout.write(
        `${JSON.stringify({ partition_key: partitionKey, hash, reason, bytes, last_used_at: new Date(at).toISOString() })}\n`,
      );
    process.stdout.write(`${choice.length} entries would be evicted\n`);
    return true;
  }
  const evicted = await eviction.run();
  process.stdout.write(
    evicted === undefined
      ? 'another run is under way\n'
      : `${evicted} entries evicted; see pcache eviction logs\n`,
  );
  return true;
}

function lineOf({ entry, reason }: Eviction): string {
  const { partitionKey, hash, bytes, computeMs } = entry;
  const lastUsedAt = new Date(lastUse(entry)).toISOString();
  const line = {
    partition_key: partitionKey,
    hash,
    reason,
    bytes,
    compute_ms: computeMs,
    last_used_at: lastUsedAt,
  };
  return `${JSON.stringify(line)}\n`;
}
