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
import type { DatabaseChoice } from '../../cache/backends/postgresql/database-eviction';
import { confirm } from '../confirm';
import { tell } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';
import { checkPartitionKey } from '../manage/known-partition-key';

interface RunFlags extends EvictionFlags, LimitFlags, YesFlag {
  readonly 'partition-key': string | undefined;
  readonly 'dry-run': boolean;
}

export const evictionRunCommand: CommandModule<object, RunFlags> = {
  command: ['run', 'manual-run'],
  describe:
    'Remove now what is beyond the limits, after asking; the proxy must not run if the cache is in its directory',
  builder: (argv) =>
    withLimitFlags(
      withYesFlag(withEvictionFlags(argv)),
      'what is set up in the database, or what the configuration says',
    )
      .option('partition-key', {
        type: 'string',
        requiresArg: true,
        describe: 'Only entries of this partition key, which all limits are then about',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say what would go' })
      .example('$0 eviction run --max-bytes 1000000000 --dry-run -c pcache.yaml', ''),
  handler: async (flags) => {
    const { 'partition-key': partitionKey, 'dry-run': isDry } = flags;
    const isAsSetUp = partitionKey === undefined && limitFlagNames.every((name) => flags[name] === undefined);
    if (isAsSetUp && (await ranInDatabase(flags))) return;
    const config = configWithLimits(flags);
    const { limits } = config.eviction;
    if (!hasLimit(limits))
      throw new UsageError('there is no limit: set one under eviction, or say for instance --max-entries');
    await using cache = await openCacheBackend(config.cache, loadUpstreamTls(config), createLog(config.log));
    await checkPartitionKey(cache, partitionKey);
    if (!isDry && !flags.yes) {
      const { evicted, entries } = await evictEntries(cache, limits, { partitionKey, isDry: true });
      if (evicted > 0 && !(await confirm(`Evict ${evicted} of ${entries} entries`, flags.yes))) return;
    }
    const report = await evictEntries(cache, limits, {
      ...{ partitionKey, isDry },
      ...(isDry ? { onEviction: (eviction) => tellChoice(flags, choiceOf(eviction)) } : {}),
    });
    const { entries, bytes, evicted, evictedBytes, byReason } = report;
    const reasons = Object.entries(byReason).map(([reason, count]) => `${reason} ${count}`);
    tell(
      flags,
      { dryRun: isDry, ...report },
      `${evicted} of ${entries} entries ${isDry ? 'would be ' : ''}evicted, ${evictedBytes} of ${bytes} bytes (${reasons.join(', ')})`,
    );
  },
};

/** Whether eviction is set up where the cache is: then it has limits and a log of its own. */
async function ranInDatabase(flags: RunFlags): Promise<boolean> {
  if (!configWithLimits(flags).cache.backend.startsWith('postgresql_')) return false;
  await using place = evictingDatabase(flags);
  const { eviction } = place;
  if ((await eviction.find()) === undefined) return false;
  const isDry = flags['dry-run'];
  if (isDry || !flags.yes) {
    const choice = await eviction.choice();
    if (isDry) {
      for (const chosen of choice) tellChoice(flags, chosen);
      tell(flags, { dryRun: isDry, evicted: choice.length }, `${choice.length} entries would be evicted`);
      return true;
    }
    if (choice.length > 0 && !(await confirm(`Evict ${choice.length} entries`, flags.yes))) return true;
  }
  const evicted = await eviction.run();
  tell(
    flags,
    { dryRun: isDry, evicted: evicted ?? 0, isUnderWay: evicted === undefined },
    evicted === undefined
      ? 'another run is under way'
      : `${evicted} entries evicted; see pcache eviction logs`,
  );
  return true;
}

function choiceOf({ entry, reason }: Eviction): DatabaseChoice {
  const { partitionKey, hash, bytes } = entry;
  return { partitionKey, hash, reason, bytes, lastUse: lastUse(entry) };
}

function tellChoice(flags: RunFlags, { lastUse: at, ...choice }: DatabaseChoice): void {
  const lastUsedAt = new Date(at).toISOString();
  const { partitionKey, hash, reason, bytes } = choice;
  const text = `${partitionKey} ${hash}: ${reason}; ${bytes} bytes, last used ${lastUsedAt}`;
  tell(flags, { ...choice, lastUsedAt }, text);
}
