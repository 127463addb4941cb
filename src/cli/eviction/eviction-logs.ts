import type { CommandModule } from 'yargs';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';

interface LogsFlags extends EvictionFlags {
  readonly limit: number;
}

export const evictionLogsCommand: CommandModule<object, LogsFlags> = {
  command: 'logs',
  describe: 'List the latest runs in the database, the latest first, one JSON object a line',
  builder: (argv) =>
    withEvictionFlags(argv).example('$0 eviction logs --limit 5 -c pcache.yaml', '').option('limit', {
      type: 'number',
      requiresArg: true,
      default: 20,
      describe: 'How many',
    }),
  handler: async ({ limit, ...flags }) => {
    await using place = evictingDatabase(flags);
    for (const run of await place.eviction.log(limit)) process.stdout.write(`${JSON.stringify(run)}\n`);
  },
};
