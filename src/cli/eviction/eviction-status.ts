import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { describeSettings, settingsObject } from './eviction-config';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';
import { tell } from '../output';

export const evictionStatusCommand: CommandModule<object, EvictionFlags> = {
  command: 'status',
  describe:
    'Say what is set up, what the cache holds, and how the last run ended; exit code 1 if it does not run',
  builder: (argv) => withEvictionFlags(argv).example('$0 eviction status -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = evictingDatabase(flags);
    const { eviction, jobs, jobName } = place;
    const status = await eviction.status();
    const totals = await eviction.totals();
    const [lastRun] = await eviction.log(1);
    tell(
      flags,
      { ...settingsObject(status), partitionKeys: totals, lastRun },
      [
        describeSettings(status),
        ...totals.map(
          ({ partitionKey, entries, bytes }) => `${partitionKey}: ${entries} entries, ${bytes} bytes`,
        ),
        lastRun === undefined
          ? 'it has not run yet'
          : `last run ${lastRun.startedAt.toISOString()}: ${lastRun.evicted} of ${lastRun.entries} entries evicted`,
      ].join('\n'),
    );
    if (!status.isEnabled) return;
    const [job] = await (await jobs.cron(status.cronDatabase)).list([jobName]);
    if (job === undefined)
      throw new StartError('it is enabled, and pg_cron has no job for it; run: pcache eviction enable');
    const { lastRun: lastOfJob } = job;
    if (lastOfJob?.status === 'failed')
      throw new StartError(
        `the job of pg_cron failed at ${lastOfJob.startedAt.toISOString()}: ${lastOfJob.message ?? ''}`,
      );
  },
};
