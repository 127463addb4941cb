import { cacheMigrations } from '../cache/backends/postgresql/cache-schema';
import { type CacheType, cacheTypes, holdsDatatype } from '../cache/cache-types';
import { loadUpstreamTls } from '../cli/load-tls';
import { openCachePool } from '../cli/open-cache-pool';
import { queueSchema } from '../cli/open-queues';
import { Owned } from '../cli/owned';
import { DatatypeMismatchError } from '../errors/datatype-mismatch-error';
import type { PartitionKeyConfig, PcacheConfig } from '../ops/config/pcache-config';
import { queueMigrations } from '../population/queue/postgresql/queue-schema';
import { findKeyColumns } from '../postgres/catalog/find-key-columns';
import { openPool } from '../postgres/control-pool';
import { migrate } from '../postgres/migrations';
import { loadServerTls } from '../postgres/server-tls';
import { loadParser } from '../query/ast/parser';
import { quoteIdentifier } from '../query/ast/quote';
import type { PartitionKeyType } from '../query/partition-key';
import { CacheHelper } from './cache-helper';
import { type ConnectionParameters, connectionParameters } from './connection';
import { helperConfig } from './helper-config';
import type { CacheHelperOptions } from './helper-options';
import { openHelperQueues } from './helper-queues';
import { openQueryEngine } from './query-engine';
import { openStore } from './shared-stores';
import { silentLog } from './silent-log';

/**
 * Opens a cache of key sets of one partition key. With a connection, queries of that database can be looked at: applyCache,
 * getPartitionKeys and the like take the helper as `cacheHandler`. The caller closes it.
 *
 * Rejects with ConfigError for options that cannot be right, with DatatypeMismatchError where the store has no room for the datatype or has
 * the key with another, with StartError if store or database cannot be used, with CacheUnavailableError if the store does not answer.
 */
export async function createCacheHelper(
  cacheType: CacheType,
  partitionKey: string,
  datatype: PartitionKeyType,
  options: CacheHelperOptions = {},
): Promise<CacheHelper> {
  const connection = options.connection === undefined ? undefined : connectionParameters(options.connection);
  const { log = silentLog } = options;
  const tables =
    options.tables ??
    (connection === undefined
      ? {}
      : await tablesOf(partitionKey, datatype, connection, options.changeSchema ?? 'pcache'));
  const fragments = options.fragments ?? {};
  const configWith = (settings: object): PcacheConfig =>
    helperConfig(
      cacheType,
      partitionKey,
      datatype,
      { ...options, connection, fragments: { ...fragments, ...settings } },
      tables,
    );
  const config = configWith({});
  checkDatatype(cacheType, partitionKey, datatype);
  return Owned.open(async (owned) => {
    await loadParser();
    if (options.setUp === true) await setUp(config);
    const { backend } = owned.add(await openStore(config, log));
    const [database] = config.databases.values();
    const queries =
      database === undefined ? undefined : owned.add(await openQueryEngine(database, config, backend, log));
    if (queries === undefined) await backend.registerPartitionKey(partitionKey, datatype);
    return new CacheHelper({
      ...{ partitionKey, datatype, backend, queries, config, log, owned },
      queues: queries === undefined ? undefined : owned.add(openHelperQueues(config, queries.pool, log)),
      keyWith: (settings) => keyOf(configWith(settings), partitionKey),
    });
  });
}

/** Also where there is no database whose configuration would be checked. */
function checkDatatype(cacheType: CacheType, partitionKey: string, datatype: PartitionKeyType): void {
  if (holdsDatatype(cacheType, datatype)) return;
  const table = Object.entries(cacheTypes).map(([name, datatypes]) => `${name}: ${datatypes.join(', ')}`);
  const message = `${cacheType} cannot hold keys of type ${datatype}; what each can: ${table.join('; ')}`;
  throw new DatatypeMismatchError(partitionKey, message);
}

function keyOf({ databases }: PcacheConfig, partitionKey: string): PartitionKeyConfig {
  const [database] = databases.values();
  const key = database?.partitionKeys.get(partitionKey);
  if (key === undefined) throw new Error(`${partitionKey} is not in its own configuration`);
  return key;
}

async function setUp(config: PcacheConfig): Promise<void> {
  const { backend, postgresql } = config.cache;
  const isQueueThere = config.queue.provider === 'postgresql';
  if (!backend.startsWith('postgresql_') && !isQueueThere) return;
  await using pool = openCachePool(postgresql, loadUpstreamTls(config));
  if (backend.startsWith('postgresql_')) await migrate(pool, cacheMigrations(postgresql));
  await migrate(pool, queueMigrations(queueSchema(config)));
}

/** The tables that have the key, under names as a configuration file has them. One whose name has a dot in it cannot be named there. */
async function tablesOf(
  partitionKey: string,
  datatype: PartitionKeyType,
  { tls, ...connection }: ConnectionParameters & { readonly port: number },
  changeSchema: string,
): Promise<Readonly<Record<string, string>>> {
  const { ca, certificate, key } = tls ?? {};
  await using pool = openPool({
    ...connection,
    tls: tls === undefined ? undefined : loadServerTls({ mode: tls.mode, ca, certificate, key }),
    maxConnections: 1,
  });
  const columns = await findKeyColumns(pool, partitionKey, changeSchema);
  return Object.fromEntries(
    columns
      .filter((column) => column.datatype === datatype && !`${column.schema}${column.table}`.includes('.'))
      .map(({ schema, table, column }) => [
        `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`,
        quoteIdentifier(column),
      ]),
  );
}
