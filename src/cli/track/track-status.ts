import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import { foreignTracking, type SourceStatus, type TrackedTable } from '../../freshness/tracking';
import { unwatchedDdl } from './track-install';
import { describeTable, forTrackedDatabases, type TrackFlags, withTrackFlags } from './tracked-databases';

export const trackStatusCommand: CommandModule<object, TrackFlags> = {
  command: 'status',
  describe: 'Say which tables are tracked, what is wrong, and what to do; exit code 1 if anything is',
  builder: (argv) => withTrackFlags(argv).example('$0 track status -c pcache.yaml', ''),
  handler: async (flags) => {
    let problems = 0;
    await forTrackedDatabases(flags, async ({ target, tracking, tables, isWhole }) => {
      const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
      const complain = (line: string): void => {
        problems++;
        say(line);
      };
      process.stdout.write(`${target}\n`);
      const status = await tracking.status();
      if (status === undefined) {
        complain('nothing is set up; run: pcache track install');
        return;
      }
      if (!status.isOwn) {
        complain(foreignTracking('freshness.schema'));
        return;
      }
      say(status.ddl.isWatching ? 'DDL is watched' : unwatchedDdl);
      for (const table of tables) {
        const source = status.sources.find((each) => isOf(each, table));
        if (source === undefined) complain(`${describeTable(table)}: not tracked; run: pcache track install`);
        else for (const line of lines(source)) (line.isGood ? say : complain)(line.text);
      }
      const others = status.sources.filter((source) => !tables.some((table) => isOf(source, table)));
      for (const source of isWhole ? others : [])
        say(`${describeTable(source)}: tracked, but not in the configuration; pcache track remove ends that`);
    });
    if (problems > 0) throw new StartError('changes may go unnoticed: see above');
  },
};

function isOf(source: SourceStatus, { schema, table, keyColumn }: TrackedTable): boolean {
  return source.schema === schema && source.table === table && source.keyColumn === keyColumn;
}

interface Line {
  readonly isGood: boolean;
  readonly text: string;
}

function lines(source: SourceStatus): readonly Line[] {
  const name = describeTable(source);
  const again = 'run: pcache track install';
  const { tableNow } = source;
  if (tableNow === undefined) return [bad(`${name}: the table is gone, or was made anew; ${again}`)];
  const found = [
    ...(tableNow === `${source.schema}.${source.table}`
      ? []
      : [
          `is now called ${tableNow}, and the name is another table's or nobody's; change the configuration and ${again}`,
        ]),
    ...source.problems.map((problem) => `${problem}; ${again}`),
    ...source.distrust.map((reason) => `entries are not relied on: ${reason}; ${again}`),
    ...(source.isChanged
      ? ['the catalog has changed since anybody looked; every key is uncertain from the next look on']
      : []),
  ];
  if (found.length > 0) return found.map((text) => bad(`${name}: ${text}`));
  const others = source.relations - 1;
  return [
    {
      isGood: true,
      text: `${name}: tracked${others > 0 ? `, with ${others} partitions, children or parents` : ''}`,
    },
  ];
}

function bad(text: string): Line {
  return { isGood: false, text };
}
