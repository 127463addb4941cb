import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { describeTable, forTrackedDatabases, type TrackFlags, withTrackFlags } from './tracked-databases';
import { type JsonFlag, tellPeople, tellPrograms, withJsonFlag } from '../output';

export const trackInstallCommand: CommandModule<object, TrackFlags & JsonFlag> = {
  command: 'install',
  describe: 'Install change logs and triggers, or mend what is missing of them; again does nothing',
  builder: (argv) =>
    withJsonFlag(withTrackFlags(argv), 'for each database').example('$0 track install -c pcache.yaml', ''),
  handler: async (flags) => {
    let refused = 0;
    await forTrackedDatabases(flags, async ({ name, target, tracking, tables }) => {
      tellPeople(flags, target);
      const installed = await tracking.install(tables);
      for (const { reason, ...table } of installed) {
        tellPeople(
          flags,
          `  ${describeTable(table)}: ${reason === undefined ? 'tracked' : `not tracked: ${reason}`}`,
        );
        if (reason !== undefined) refused++;
      }
      const ddlWatched = (await tracking.status())?.ddl.isWatching === true;
      if (!ddlWatched) tellPeople(flags, `  ${unwatchedDdl}`);
      const all = installed.map(({ reason, schema, table, keyColumn }) => ({
        ...{
          schema,
          table,
          keyColumn,
          tracked: reason === undefined,
          problems: [reason].flatMap((each) => each ?? []),
        },
      }));
      tellPrograms(flags, { database: name, target, ddlWatched, tables: all });
    });
    if (refused > 0)
      throw new StartError(`${refused} ${refused === 1 ? 'table is' : 'tables are'} not tracked`);
  },
};

/** What is lost without an event trigger, and how to have one. */
export const unwatchedDdl =
  'DDL is not watched: only a superuser may have it watched (install with --user). Until then a change by DDL, or by a writer ' +
  'while triggers are disabled, is noticed when a proxy looks, not in its own transaction';
