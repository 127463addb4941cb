import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { describeTable, forTrackedDatabases, type TrackFlags, withTrackFlags } from './tracked-databases';

export const trackInstallCommand: CommandModule<object, TrackFlags> = {
  command: 'install',
  describe: 'Install change logs and triggers, or mend what is missing of them; again does nothing',
  builder: (argv) => withTrackFlags(argv).example('$0 track install -c pcache.yaml', ''),
  handler: async (flags) => {
    let refused = 0;
    await forTrackedDatabases(flags, async ({ target, tracking, tables }) => {
      process.stdout.write(`${target}\n`);
      for (const { reason, ...table } of await tracking.install(tables)) {
        process.stdout.write(
          `  ${describeTable(table)}: ${reason === undefined ? 'tracked' : `not tracked: ${reason}`}\n`,
        );
        if (reason !== undefined) refused++;
      }
      const status = await tracking.status();
      if (status?.ddl.isWatching !== true) process.stdout.write(`  ${unwatchedDdl}\n`);
    });
    if (refused > 0)
      throw new StartError(`${refused} ${refused === 1 ? 'table is' : 'tables are'} not tracked`);
  },
};

/** What is lost without an event trigger, and how to have one. */
export const unwatchedDdl =
  'DDL is not watched: only a superuser may have it watched (install with --user). Until then a change by DDL, or by a writer ' +
  'while triggers are disabled, is noticed when a proxy looks, not in its own transaction';
