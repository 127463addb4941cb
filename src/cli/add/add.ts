import type { CommandModule } from 'yargs';
import { type QuerySplitting, splitQuery } from '../../engine/split-query';
import { TrackingWatch } from '../../freshness/tracking-watch';
import type { DatabaseConfig, PartitionKeyConfig, PcacheConfig } from '../../ops/config/pcache-config';
import type { Log } from '../../ops/log/log';
import { readLowestKey } from '../../postgres/catalog/read-lowest-key';
import type { Fragment } from '../../query/fragment/fragment';
import { commandLog } from '../command-log';
import { configWithFragmentFlags, eachKey } from '../fragment-flags';
import { meantKey, readKeyedConfig } from '../key-flags';
import { loadUpstreamTls } from '../load-tls';
import { forEachQueue } from '../manage/opened-queues';
import { type OpenCatalog, openCatalog } from '../open-catalog';
import { openCacheBackend } from '../open-cache-backend';
import { Owned } from '../owned';
import { parseSetting, readStatements } from '../read-statements';
import { trackedTables } from '../tracked-tables';
import { UsageError } from '../usage-error';
import { type AddFlags, addWayOf, withAddFlags } from './add-flags';
import { AddReport } from './add-report';
import { runFragments } from './run-fragments';

export const addCommand: CommandModule<object, AddFlags> = {
  command: 'add',
  describe:
    'Have the fragments of statements computed before anybody runs them: now, or by whoever works on the queue',
  builder: (argv) =>
    withAddFlags(argv)
      .example(
        `$0 add --direct --query "SELECT id FROM place WHERE name = 'Rome'" --partition-key region -c pcache.yaml`,
        '',
      )
      .example('$0 add --queue --query-file report.sql --partition-key region -c pcache.yaml', '')
      .example('$0 add --queue-original --query-file report.sql --partition-key region -c pcache.yaml', ''),
  handler: async (flags) => {
    const way = addWayOf(flags);
    const priority = Number(flags.priority ?? '1');
    if (!Number.isFinite(priority)) throw new UsageError('--priority: expected a number');
    const settings = Object.fromEntries((flags['set-session'] ?? []).map(parseSetting));
    const statements = await readStatements(flags.query, flags['query-file']);
    const config = addingConfig(await readKeyedConfig(flags), flags);
    const { database, key } = meantKey(config, flags);
    using report = new AddReport(flags);
    if (way !== 'direct') await registerShared(config, key);
    if (way === 'queue-original') {
      await forEachQueue(config, database.name, async ({ queries }) => {
        const common = { partitionKey: key.name, datatype: key.datatype };
        const work = Object.keys(settings).length === 0 ? common : { ...common, settings };
        await queries.push(statements.map((query) => ({ work: { ...work, query }, priority })));
      });
      statements.forEach((_, i) => report.add({ statement: i + 1, outcome: 'queued' }));
      report.end('statement');
      return;
    }
    const log = commandLog(config);
    await using owned = new Owned();
    const open = await openCatalog(database, config, loadUpstreamTls(config), log, owned);
    const found = await fragmentsOfAll(statements, settings, key, open, report);
    const kept = await keepable(found, { config, key, open, log, owned }, report);
    report.expect(kept.size);
    if (way === 'direct')
      await addDirectly(kept, { config, database, key, open, log, owned }, flags.force === true, report);
    else await queueFragments(kept, { config, database }, priority, report);
    report.end('fragment');
  },
};

/** Those who work on a queue without a configuration file know of the key by that. A cache that is not shared is not theirs. */
export async function registerShared(config: PcacheConfig, key: PartitionKeyConfig): Promise<void> {
  if (!/^(postgresql|redis)_/.test(config.cache.backend)) return;
  const log = commandLog(config);
  await using backend = await openCacheBackend(config.cache, loadUpstreamTls(config), log);
  await backend.registerPartitionKey(key.name, key.datatype);
}

/** By its hash: a fragment that several statements share is run once. */
type Found = Map<string, { readonly fragment: Fragment; readonly statement: number }>;

interface Adding {
  readonly config: PcacheConfig;
  readonly database: DatabaseConfig;
  readonly key: PartitionKeyConfig;
  readonly open: OpenCatalog;
  readonly log: Log;
  readonly owned: Owned;
}

function addingConfig(config: PcacheConfig, flags: AddFlags): PcacheConfig {
  const flagged = configWithFragmentFlags(config, flags);
  // A person waits for it, and has asked for it: no rest between fragments.
  const { population } = flagged;
  const adding = { ...flagged, population: { ...population, duty: 1 } };
  if (flags['no-recompose'] !== true) return adding;
  return eachKey(adding, (key) => ({
    ...key,
    fragments: {
      ...key.fragments,
      followGraph: false,
      minComponentSize: 1,
      maxComponentSize: 16,
      maxFragments: 1,
    },
  }));
}

async function fragmentsOfAll(
  statements: readonly string[],
  settings: Readonly<Record<string, string>>,
  key: PartitionKeyConfig,
  { pool, catalog, keeper }: OpenCatalog,
  report: AddReport,
): Promise<Found> {
  const found: Found = new Map();
  const splitting: QuerySplitting = {
    ...{ pool, catalog, databaseIdentity: keeper.databaseIdentity, partitionKeys: [key] },
  };
  for (const [i, query] of statements.entries()) {
    const wanted = { query, partitionKey: key.name, datatype: key.datatype, settings };
    const split = await splitQuery(wanted, splitting);
    if ('refused' in split) {
      const reason = key.fragments.warnNoPartitionKey ? warningOf(split.refused, key) : undefined;
      report.add({ statement: i + 1, outcome: 'refused', reason: reason ?? split.refused });
    } else
      for (const fragment of split.fragments)
        if (!found.has(fragment.hash)) found.set(fragment.hash, { fragment, statement: i + 1 });
  }
  return found;
}

/** Names the columns of the key: whoever wrote the statement usually meant to join on them, and has forgotten to. */
export function warningOf(reason: string, { name, tables }: PartitionKeyConfig): string {
  const columns = [...tables].map(([table, column]) => `${table}.${column}`);
  return `warning: it cannot be restricted by the partition key ${name} (${columns.join(', ')}): ${reason}`;
}

/** Those whose entries could be kept exact; of the others the report is told why. */
async function keepable(
  found: Found,
  { config, key, open, log, owned }: Omit<Adding, 'database'>,
  report: AddReport,
): Promise<Found> {
  if (key.changeLog === undefined || found.size === 0) return found;
  const options = { ...config.freshness, pool: open.pool, tables: trackedTables([key]), log };
  const watch = owned.add(new TrackingWatch(options));
  await watch.look();
  return new Map(
    [...found].filter(([hash, { fragment, statement }]) => {
      if (watch.canKeepFresh(fragment)) return true;
      const reason = `changes of its tables are not tracked, and the keys of ${key.name} are to be exact: see above, run pcache track install`;
      report.add({ statement, outcome: 'failed', hash, sql: fragment.sql, reason });
      return false;
    }),
  );
}

async function addDirectly(
  kept: Found,
  { config, database, key, open, log, owned }: Adding,
  isForced: boolean,
  report: AddReport,
): Promise<void> {
  const tls = loadUpstreamTls(config);
  const backend = owned.add(await openCacheBackend(config.cache, tls, log));
  const lowest =
    key.datatype === 'integer' && backend.capabilities.integerRange !== undefined
      ? await readLowestKey(open.pool, key)
      : undefined;
  await backend.registerPartitionKey(key.name, key.datatype, { lowest });
  const fragments = [...kept.values()].map(({ fragment }) => fragment);
  const parts = { database, config, tls, backend, keeper: open.keeper, isForced, log };
  await runFragments(fragments, parts, (end) => {
    const { hash, sql } = end.fragment;
    const common = { statement: kept.get(hash)?.statement ?? 0, hash, sql };
    if ('skipped' in end) {
      const isKnown = end.skipped === 'known';
      const reason = isKnown ? undefined : 'it did not end well a short while ago; --force has it run again';
      report.add({ ...common, outcome: isKnown ? 'known' : 'failed', reason });
    } else {
      const { status, keyCount: keys, seconds, error } = end;
      const reason = status === 'ok' ? undefined : `${status}: ${error ?? ''}`;
      report.add({ ...common, outcome: status === 'ok' ? 'stored' : 'failed', keys, seconds, reason });
    }
  });
}

async function queueFragments(
  kept: Found,
  { config, database }: Pick<Adding, 'config' | 'database'>,
  priority: number,
  report: AddReport,
): Promise<void> {
  const all = [...kept.values()];
  await forEachQueue(config, database.name, async ({ fragments }) => {
    const outcomes =
      all.length === 0 ? [] : await fragments.push(all.map(({ fragment: work }) => ({ work, priority })));
    all.forEach(({ fragment: { hash, sql }, statement }, i) => {
      const isDropped = outcomes[i] === 'dropped';
      const reason = isDropped
        ? 'the queue is full of work that is wanted more: say a higher --priority'
        : undefined;
      report.add({ statement, outcome: isDropped ? 'failed' : 'queued', hash, sql, reason });
    });
  });
}
