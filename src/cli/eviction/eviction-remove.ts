import type { CommandModule } from 'yargs';
import { confirm } from '../confirm';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';

interface RemoveFlags extends EvictionFlags {
  readonly yes: boolean;
}

export const evictionRemoveCommand: CommandModule<object, RemoveFlags> = {
  command: 'remove',
  describe: 'Remove what setup has made, and the job; entries stay',
  builder: (argv) =>
    withEvictionFlags(argv)
      .example('$0 eviction remove --yes -c pcache.yaml', '')
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask' }),
  handler: async ({ yes, ...flags }) => {
    await using place = evictingDatabase(flags);
    const { eviction, jobs, jobName } = place;
    const status = await eviction.find();
    if (!(await confirm('Remove eviction, its settings and its log', yes))) return;
    if (status !== undefined) await (await jobs.cron(status.cronDatabase)).unschedule([jobName]);
    await eviction.drop();
    process.stdout.write('removed\n');
  },
};
