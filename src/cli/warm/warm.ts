import type { CommandModule } from 'yargs';
import { splitQuery } from '../../engine/split-query';
import { StartError } from '../../errors/start-error';
import { loadParser } from '../../query/ast/parser';
import { scanTokens } from '../../query/ast/scan';
import type { Fragment } from '../../query/fragment/fragment';
import { registerShared } from '../add/add';
import { commandLog } from '../command-log';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { configWithFragmentFlags, type FragmentFlags, withFragmentFlags } from '../fragment-flags';
import { type KeyFlags, meantKey, readKeyedConfig, withKeyFlags } from '../key-flags';
import { loadUpstreamTls } from '../load-tls';
import { forEachQueue } from '../manage/opened-queues';
import { integerOf } from '../number-flag';
import { openCatalog } from '../open-catalog';
import { Owned } from '../owned';
import { fromFile, fromStatStatements, type WorkloadStatement } from './workload';
import { type JsonFlag, oneLine, tell, tellPeople, tellPrograms, withJsonFlag } from '../output';
import { ProgressBar } from '../progress-bar';

interface WarmFlags extends ConfigFlags, KeyFlags, FragmentFlags, JsonFlag {
  readonly from: string;
  readonly limit: string;
  readonly 'dry-run': boolean;
}

export const warmCommand: CommandModule<object, WarmFlags> = {
  command: 'warm',
  describe: 'Fill the queue from a workload: the statements of a file or a log, or of pg_stat_statements',
  builder: (argv) =>
    withJsonFlag(
      withFragmentFlags(withKeyFlags(withConfigFlags(argv))),
      'for what cannot be used, by reason, and the sums',
    )
      .option('from', {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe:
          'A file of SQL; csvlog (.csv) or jsonlog (.json, .jsonl) of PostgreSQL; a CSV or JSON objects with query; or pg_stat_statements, which has no constants, so that few of its statements can be used',
      })
      .option('limit', {
        type: 'string',
        requiresArg: true,
        default: '1000',
        describe: 'Statements looked at, those that were run most often first',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say what would be queued' })
      .example('$0 warm --from workload.sql --partition-key region --dry-run -c pcache.yaml', '')
      .example('$0 warm --from pg_stat_statements --partition-key region --dry-run -c pcache.yaml', ''),
  handler: async (flags) => {
    const limit = integerOf(flags, 'limit', 1, 1_000_000) ?? 0;
    await loadParser();
    const ofFile = flags.from === 'pg_stat_statements' ? undefined : fromFile(flags.from);
    const config = configWithFragmentFlags(await readKeyedConfig(flags), flags);
    const { database, key } = meantKey(config, flags);
    const log = commandLog(config);
    await using owned = new Owned();
    const { pool, catalog, keeper } = await openCatalog(
      database,
      config,
      loadUpstreamTls(config),
      log,
      owned,
    );
    const statements = (ofFile ?? (await fromStatStatements(pool, limit))).slice(0, limit);
    const wanted = new Map<string, { readonly work: Fragment; readonly priority: number }>();
    const refused = new Map<string, WorkloadStatement[]>();
    const splitting = { pool, catalog, databaseIdentity: keeper.databaseIdentity, partitionKeys: [key] };
    using bar = new ProgressBar(statements.length, 'statements', flags);
    for (const statement of statements) {
      const { query, calls } = statement;
      const split = hasPlaceholders(query)
        ? { refused: placeholders }
        : await splitQuery({ query, partitionKey: key.name, datatype: key.datatype }, splitting);
      if ('refused' in split) refused.set(split.refused, [...(refused.get(split.refused) ?? []), statement]);
      else
        for (const work of split.fragments)
          wanted.set(work.hash, { work, priority: calls + (wanted.get(work.hash)?.priority ?? 0) });
      bar.advance();
    }
    bar.clear();
    if (wanted.size > 0 && !flags['dry-run']) {
      await registerShared(config, key);
      await forEachQueue(config, database.name, async ({ fragments }) => {
        await fragments.push([...wanted.values()]);
      });
    }
    report(flags, statements.length, wanted.size, refused);
    if (wanted.size === 0) throw new StartError('nothing of it can be used');
  },
};

const placeholders = 'it has $1 and the like in place of constants, without which its keys cannot be known';

/** Outside of literals and comments. */
function hasPlaceholders(query: string): boolean {
  return query.includes('$') && scanTokens(query).some(({ tokenName }) => tokenName === 'PARAM');
}

function report(
  flags: WarmFlags,
  statements: number,
  fragments: number,
  refused: ReadonlyMap<string, readonly WorkloadStatement[]>,
): void {
  const unusable = [...refused.values()].reduce((sum, { length }) => sum + length, 0);
  const [used, queued] = [statements - unusable, flags['dry-run'] ? 'to queue' : 'queued'];
  for (const [reason, ofReason] of refused)
    for (const { query, calls } of ofReason) tellPrograms(flags, { query, calls, reason });
  tell(
    flags,
    { statements, used, unusable, fragments },
    `${used} of ${statements} statements used: ${fragments} fragments ${queued}`,
  );
  const byCount = [...refused].sort(([, a], [, b]) => b.length - a.length);
  for (const [reason, { length, 0: example }] of byCount)
    tellPeople(flags, `${length} not used: ${reason}\n  such as: ${shortened(example?.query ?? '')}`);
}

function shortened(query: string): string {
  const line = oneLine(query).trim();
  return line.length > 100 ? `${line.slice(0, 100).trimEnd()} ...` : line;
}
