import type { CommandModule } from 'yargs';
import { StartError } from '../../errors/start-error';
import {
  foreignTracking,
  type SourceStatus,
  type TrackedTable,
  type TrackingStatus,
} from '../../freshness/tracking';
import { unwatchedDdl } from './track-install';
import { describeTable, forTrackedDatabases, type TrackFlags, withTrackFlags } from './tracked-databases';
import { type JsonFlag, tell, withJsonFlag } from '../output';

export const trackStatusCommand: CommandModule<object, TrackFlags & JsonFlag> = {
  command: 'status',
  describe: 'Say which tables are tracked, what is wrong, and what to do; exit code 1 if anything is',
  builder: (argv) =>
    withJsonFlag(withTrackFlags(argv), 'for each database').example('$0 track status -c pcache.yaml', ''),
  handler: async (flags) => {
    let problems = 0;
    await forTrackedDatabases(flags, async (database) => {
      const { name, target, tracking, tables, isWhole } = database;
      const found = findings(await tracking.status(), tables, isWhole);
      problems += found.filter(({ isGood }) => !isGood).length;
      tell(
        flags,
        {
          database: name,
          target,
          findings: found.map(({ isGood: ok, text: says, table }) => ({ table, ok, says })),
        },
        [target, ...found.map(({ text }) => `  ${text}`)].join('\n'),
      );
    });
    if (problems > 0) throw new StartError('changes may go unnoticed: see above');
  },
};

/** All that is to be said of one database, of which nothing is tracked if there is no status. */
function findings(
  status: TrackingStatus | undefined,
  tables: readonly TrackedTable[],
  isWhole: boolean,
): readonly Line[] {
  if (status === undefined) return [bad('nothing is set up; run: pcache track install')];
  if (!status.isOwn) return [bad(foreignTracking('freshness.schema'))];
  const ofTables = tables.flatMap((table): readonly Line[] => {
    const source = status.sources.find((each) => isOf(each, table));
    const found =
      source === undefined
        ? [bad(`${describeTable(table)}: not tracked; run: pcache track install`)]
        : lines(source);
    return found.map((line) => ({ ...line, table: describeTable(table) }));
  });
  const others = status.sources.filter((source) => !tables.some((table) => isOf(source, table)));
  const ofOthers = (isWhole ? others : []).map((source) => ({
    isGood: true,
    text: `${describeTable(source)}: tracked, but not in the configuration; pcache track remove ends that`,
    table: describeTable(source),
  }));
  return [
    { isGood: true, text: status.ddl.isWatching ? 'DDL is watched' : unwatchedDdl },
    ...ofTables,
    ...ofOthers,
  ];
}

function isOf(source: SourceStatus, { schema, table, keyColumn }: TrackedTable): boolean {
  return source.schema === schema && source.table === table && source.keyColumn === keyColumn;
}

interface Line {
  readonly isGood: boolean;
  readonly text: string;
  /** Absent: it is about the database. */
  readonly table?: string;
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
