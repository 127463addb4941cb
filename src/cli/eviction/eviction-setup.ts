import type { CommandModule } from 'yargs';
import { type LimitFlags, withLimitFlags } from './limit-flags';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';
import { tell } from '../output';

interface SetupFlags extends EvictionFlags, LimitFlags {
  readonly schedule: string;
}

export const evictionSetupCommand: CommandModule<object, SetupFlags> = {
  command: 'setup',
  describe:
    'Make what a cache in PostgreSQL needs to be kept within limits by pg_cron; nothing runs before enable',
  builder: (argv) =>
    withLimitFlags(
      withEvictionFlags(argv).example('$0 eviction setup --max-bytes 1000000000 -c pcache.yaml', ''),
      'what the configuration says under eviction',
    ).option('schedule', {
      type: 'string',
      requiresArg: true,
      default: '*/10 * * * *',
      describe: 'When it is to run, as crontab has it',
    }),
  handler: async ({ schedule, ...flags }) => {
    await using place = evictingDatabase(flags);
    const { jobs, eviction, config } = place;
    const cronDatabase = await jobs.findCronDatabase();
    const { hasSeconds, version } = await jobs.cron(cronDatabase);
    const { limits, logDays } = config.eviction;
    const isNew = await eviction.setUp({ limits, logDays, schedule, cronDatabase }, jobs.jobUser);
    const { backend } = config.cache;
    const { target } = jobs.pool;
    tell(
      flags,
      { backend, target, isNew, cronDatabase, cronVersion: version.join('.'), hasSeconds },
      `eviction of ${backend} on ${target}: ${isNew ? 'set up' : 'was set up before; its settings stay'}\n` +
        `pg_cron ${version.join('.')} in database ${cronDatabase}${hasSeconds ? '' : ', which runs jobs every minute at most'}\n` +
        `next: pcache eviction enable`,
    );
  },
};
