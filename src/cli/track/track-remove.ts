import type { CommandModule } from 'yargs';
import { confirm } from '../confirm';
import { describeTable, forTrackedDatabases, type TrackFlags, withTrackFlags } from './tracked-databases';
import { type JsonFlag, tellPeople, tellPrograms, withJsonFlag } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';

export const trackRemoveCommand: CommandModule<object, TrackFlags & JsonFlag & YesFlag> = {
  command: 'remove',
  describe: 'Drop the triggers; the schema stays, for proxies that still ask it until they are restarted',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withTrackFlags(argv), 'for each database')).example(
      '$0 track remove --key region --yes -c pcache.yaml',
      '',
    ),
  handler: (flags) =>
    forTrackedDatabases(flags, async ({ name, target, tracking, tables, isWhole }) => {
      const what = isWhole ? 'all tables' : `the ${tables.length} tables of ${flags.key}`;
      if (
        !(await confirm(
          `Stop noting changes of ${what} in ${target}; what is exact will restrict nothing`,
          flags.yes,
        ))
      )
        return;
      tellPeople(flags, target);
      const removed = await tracking.remove(
        (source) =>
          isWhole ||
          tables.some(
            ({ schema, table, keyColumn }) =>
              source.schema === schema && source.table === table && source.keyColumn === keyColumn,
          ),
      );
      for (const source of removed) tellPeople(flags, `  ${describeTable(source)}: no longer tracked`);
      if (removed.length === 0) tellPeople(flags, '  nothing is tracked');
      const all = removed.map(({ schema, table, keyColumn }) => ({ schema, table, keyColumn }));
      tellPrograms(flags, { database: name, target, removed: all });
    }),
};
