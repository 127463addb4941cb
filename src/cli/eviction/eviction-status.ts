import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { describeSettings } from './eviction-config';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';

export const evictionStatusCommand: CommandModule<object, EvictionFlags> = {
  command: 'status',
  describe:
    'Say what is set up, what the cache holds, and how the last run ended; exit code 1 if it does not run',
  builder: (argv) => withEvictionFlags(argv).example('$0 eviction status -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = evictingDatabase(flags);
    const { eviction, jobs, jobName } = place;
    const status = await eviction.status();
    process.stdout.write(describeSettings(status));
    for (const { partitionKey, entries, bytes } of await eviction.totals())
      process.stdout.write(`${partitionKey}: ${entries} entries, ${bytes} bytes\n`);
    const [last] = await eviction.log(1);
    process.stdout.write(
      last === undefined
        ? 'it has not run yet\n'
        : `last run ${last.startedAt.toISOString()}: ${last.evicted} of ${last.entries} entries evicted\n`,
    );
    if (!status.isEnabled) return;
    const [job] = await (await jobs.cron(status.cronDatabase)).list([jobName]);
    if (job === undefined)
      throw new StartError('it is enabled, and pg_cron has no job for it; run: pcache eviction enable');
    const { lastRun } = job;
    if (lastRun?.status === 'failed')
      throw new StartError(
        `the job of pg_cron failed at ${lastRun.startedAt.toISOString()}: ${lastRun.message ?? ''}`,
      );
  },
};
