import type { CommandModule } from 'yargs';
import { confirm } from '../confirm';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';
import { tell } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';

export const evictionRemoveCommand: CommandModule<object, EvictionFlags & YesFlag> = {
  command: 'remove',
  describe: 'Remove what setup has made, and the job; entries stay',
  builder: (argv) =>
    withYesFlag(withEvictionFlags(argv)).example('$0 eviction remove --yes -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = evictingDatabase(flags);
    const { eviction, jobs, jobName } = place;
    const status = await eviction.find();
    if (!(await confirm('Remove eviction, its settings and its log', flags.yes))) return;
    if (status !== undefined) await (await jobs.cron(status.cronDatabase)).unschedule([jobName]);
    await eviction.drop();
    tell(flags, { removed: true }, 'removed');
  },
};
