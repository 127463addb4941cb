import type { CommandModule } from 'yargs';
import { evictingDatabase, type EvictionFlags, withEvictionFlags } from './evicting-database';
import type { EvictionLogLine } from '../../cache/backends/postgresql/database-eviction';
import { tell } from '../output';
import { integerOf } from '../number-flag';

interface LogsFlags extends EvictionFlags {
  readonly limit: string;
}

/** More than that is for SQL. */
const mostLines = 1_000_000;

export const evictionLogsCommand: CommandModule<object, LogsFlags> = {
  command: 'logs',
  describe: 'List the latest runs in the database, the latest first',
  builder: (argv) =>
    withEvictionFlags(argv).example('$0 eviction logs --limit 5 -c pcache.yaml', '').option('limit', {
      type: 'string',
      requiresArg: true,
      default: '20',
      describe: 'How many',
    }),
  handler: async (flags) => {
    const limit = integerOf(flags, 'limit', 1, mostLines) ?? mostLines;
    await using place = evictingDatabase(flags);
    for (const run of await place.eviction.log(limit)) tell(flags, run, describeRun(run));
  },
};

function describeRun(run: EvictionLogLine): string {
  const { startedAt, finishedAt, strategy, entries, bytes, evicted, evictedBytes } = run;
  const ms = finishedAt.getTime() - startedAt.getTime();
  return (
    `${startedAt.toISOString()} ${strategy}, ${ms} ms: ${evicted} of ${entries} entries evicted, ${evictedBytes} of ${bytes} bytes ` +
    `(age ${run.byAge}, partition_key ${run.byPartitionKey}, total ${run.byTotal})`
  );
}
