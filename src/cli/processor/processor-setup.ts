import type { CommandModule } from 'yargs';
import { changeOf, type ProcessorLimitFlags, withProcessorLimitFlags } from './limit-flags';
import { UsageError } from '../usage-error';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import { tell } from '../output';

/** Seconds; a proxy's own population looks at once. */
const defaultFrequencyS = 2;

export const processorSetupCommand: CommandModule<object, ProcessorFlags & ProcessorLimitFlags> = {
  command: 'setup',
  describe:
    'Make what the database needs to run fragments by itself, beside the tables of cache and queue; again brings it up to the configuration, and keeps what config has changed. Nothing runs before enable',
  builder: (argv) =>
    withProcessorLimitFlags(withProcessorFlags(argv).example('$0 processor setup -c pcache.yaml', '')),
  handler: async (flags) => {
    const change = changeOf(flags);
    await using place = await ProcessingDatabase.open(flags);
    const { jobs, processor, database } = place;
    if (database.partitionKeys.size === 0)
      throw new UsageError(
        'the cache has registered no partition key yet: say --partition-key, or give --config FILE',
      );
    const cronDatabase = await jobs.findCronDatabase();
    const cron = await jobs.cron(cronDatabase);
    await processor.checkTables(place.tables);
    await place.checkVersions();
    await processor.migrate(database.control.user);
    const told = await place.place(defaultFrequencyS, cronDatabase);
    const isNew = await processor.write(told);
    await processor.change(change);
    const { maxKeys, isEnabled } = await processor.status();
    await place.writeForms({ maxKeys, maxBytes: told.limits.maxBytes });
    if (isEnabled) await place.schedule(cron);
    const keys = told.keys.map(({ name }) => name);
    tell(
      flags,
      {
        ...{ target: jobs.pool.target, isNew, enabled: isEnabled, partitionKeys: keys },
        ...{ cronDatabase, cronVersion: cron.version.join('.'), hasSeconds: cron.hasSeconds },
        jobUser: database.control.user,
      },
      `processor on ${jobs.pool.target}: ${isNew ? 'set up' : 'brought up to date'}\n` +
        `pg_cron ${cron.version.join('.')} in database ${cronDatabase}, jobs run as ${database.control.user}, ` +
        `${cron.hasSeconds ? 'begun every few seconds' : 'begun every minute, for most of it'}\n` +
        `partition keys: ${keys.join(', ')}` +
        (isEnabled ? '' : '\nnext: pcache processor enable, and population.run_by: database for the proxies'),
    );
  },
};
