import type { CommandModule } from 'yargs';
import { confirm } from '../confirm';
import { describeTable, forTrackedDatabases, type TrackFlags, withTrackFlags } from './tracked-databases';

export const trackRemoveCommand: CommandModule<object, TrackFlags & { readonly yes: boolean }> = {
  command: 'remove',
  describe: 'Drop the triggers; the schema stays, for proxies that still ask it until they are restarted',
  builder: (argv) =>
    withTrackFlags(argv)
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask' })
      .example('$0 track remove --key region --yes -c pcache.yaml', ''),
  handler: ({ yes, ...flags }) =>
    forTrackedDatabases(flags, async ({ target, tracking, tables, isWhole }) => {
      const what = isWhole ? 'all tables' : `the ${tables.length} tables of ${flags.key}`;
      if (
        !(await confirm(
          `Stop noting changes of ${what} in ${target}; what is exact will restrict nothing`,
          yes,
        ))
      )
        return;
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
