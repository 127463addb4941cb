import type { CommandModule } from 'yargs';
import { hasLimit } from '../../cache/eviction/eviction-policy';
import { UsageError } from '../usage-error';
import {
  evictingDatabase,
  type EvictionFlags,
  scheduleEviction,
  withEvictionFlags,
} from './evicting-database';
import { tell } from '../output';

export const evictionEnableCommand: CommandModule<object, EvictionFlags> = {
  command: 'enable',
  describe: 'Have pg_cron evict',
  builder: (argv) => withEvictionFlags(argv).example('$0 eviction enable -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = evictingDatabase(flags);
    const { limits, schedule } = await place.eviction.status();
    if (!hasLimit(limits))
      throw new UsageError(
        'there is no limit: set one first, for instance by pcache eviction config --max-bytes',
      );
    await scheduleEviction(place);
    await place.eviction.change({ isEnabled: true });
    tell(flags, { enabled: true, schedule }, `enabled: ${schedule}`);
  },
};

export const evictionDisableCommand: CommandModule<object, EvictionFlags> = {
  command: 'disable',
  describe: 'Have pg_cron evict no more; what is set up stays',
  builder: (argv) => withEvictionFlags(argv).example('$0 eviction disable -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = evictingDatabase(flags);
    const { cronDatabase } = await place.eviction.status();
    await place.eviction.change({ isEnabled: false });
    await (await place.jobs.cron(cronDatabase)).unschedule([place.jobName]);
    tell(flags, { enabled: false }, 'disabled');
  },
};
