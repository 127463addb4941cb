import type { CommandModule } from 'yargs';
import { describeTable, forTrackedDatabases, type TrackFlags, withTrackFlags } from './tracked-databases';

export const trackRemoveCommand: CommandModule<object, TrackFlags> = {
  command: 'remove',
  describe: 'Drop the triggers; the schema stays, for proxies that still ask it until they are restarted',
  builder: (argv) => withTrackFlags(argv).example('$0 track remove --key region -c pcache.yaml', ''),
  handler: (flags) =>
    forTrackedDatabases(flags, async ({ target, tracking, tables, isWhole }) => {
      process.stdout.write(`${target}\n`);
      const removed = await tracking.remove(
        (source) =>
          isWhole ||
          tables.some(
            ({ schema, table, keyColumn }) =>
              source.schema === schema && source.table === table && source.keyColumn === keyColumn,
          ),
      );
      for (const source of removed) process.stdout.write(`  ${describeTable(source)}: no longer tracked\n`);
      if (removed.length === 0) process.stdout.write('  nothing is tracked\n');
    }),
};
