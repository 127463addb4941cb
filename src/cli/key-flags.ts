import type { Argv } from 'yargs';
import { type CacheType, cacheTypeNames, cacheTypes, holdsDatatype } from '../cache/cache-types';
import { ControlQueryError } from '../errors/control-query-error';
import { Tracking } from '../freshness/tracking';
import type { WithoutFile } from '../ops/config/with-variables';
import { nearestName } from '../ops/config/nearest-name';
import type { DatabaseConfig, PartitionKeyConfig, PcacheConfig } from '../ops/config/pcache-config';
import { readConfigFile } from '../ops/config/read-config';
import { findKeyColumns, type FoundKeyColumn } from '../postgres/catalog/find-key-columns';
import type { ControlPool } from '../postgres/control-pool';
import { type PartitionKeyType, partitionKeyTypes } from '../query/partition-key';
import { commandLog } from './command-log';
import { type ConfigFlags, readConfigFlags } from './config-flags';
import { controlPool } from './control-pool';
import { loadUpstreamTls } from './load-tls';
import { openCacheBackend } from './open-cache-backend';
import { UsageError } from './usage-error';

/** Which partition key a command is about. */
export interface KeyFlags extends ConfigFlags {
  readonly 'partition-key'?: string | undefined;
  readonly 'partition-datatype'?: PartitionKeyType | undefined;
  readonly consistency?: 'exact' | 'static' | undefined;
}

export function withKeyFlags<T>(argv: Argv<T>): Argv<T & Omit<KeyFlags, keyof ConfigFlags>> {
  const text = { type: 'string', requiresArg: true } as const;
  return argv
    .option('partition-key', {
      ...text,
      describe: 'Name of the partition key; without a configuration file, the name of its columns',
    })
    .option('partition-datatype', {
      ...text,
      alias: 'datatype',
      choices: partitionKeyTypes,
      describe: 'Its datatype [default: as configured; without a configuration file, that of the columns]',
    })
    .option('consistency', {
      ...text,
      choices: ['exact', 'static'] as const,
      describe:
        'Without a configuration file: whether the data change [default: exact where changes are tracked, else static]',
    });
}

/** The configuration, with the one database that is meant if flags say which. Without a file its database may lack partition keys. */
export function readCommandConfig(flags: ConfigFlags): PcacheConfig {
  const { file, sources } = readConfigFlags(flags, process.env);
  const config = readConfigFile(file, sources);
  return file === undefined ? config : meantConfig(config, flags);
}

/**
 * The same with partition keys. Where there is no file its partition keys are those that the
 * flags name, or that the cache has registered, in all tables with a column of the name. Rejects with UsageError or ConfigError.
 */
export async function readKeyedConfig(
  flags: KeyFlags,
  untracked: 'exact' | 'static' = 'static',
): Promise<PcacheConfig> {
  const { file, sources } = readConfigFlags(flags, process.env);
  const config = readConfigFile(file, sources);
  const name = flags['partition-datatype'];
  if (name !== undefined) checkHolds(config.cache.backend, name);
  if (file !== undefined) {
    if (flags.consistency !== undefined)
      throw new UsageError(`--consistency: the partition keys in ${file} say it themselves`);
    return meantConfig(config, flags);
  }
  const [database] = config.databases.values();
  if (database === undefined)
    throw new UsageError(
      'no database: name it with --db-name or in the variable DB_NAME, or give --config FILE',
    );
  await using pool = controlPool(
    database,
    loadUpstreamTls(config),
    { maxConnections: 1 },
    commandLog(config),
  );
  const partitionKeys: Record<string, unknown> = {};
  for (const [key, datatype] of await wantedKeys(config, flags))
    partitionKeys[key] = await keyFromDatabase(pool, config, key, datatype, flags.consistency, untracked);
  const withoutFile: WithoutFile = { partitionKeys };
  return readConfigFile(undefined, { ...sources, withoutFile });
}

/** For commands that are about all keys of a configuration file, and about those that are named where there is none. Throws UsageError. */
export function refuseKeyBesideFile(flags: KeyFlags): void {
  const { file } = readConfigFlags(flags, process.env);
  if (file !== undefined && flags['partition-key'] !== undefined)
    throw new UsageError(`--partition-key: this is about all partition keys in ${file}`);
}

/** The partition key that is meant, and its database. Throws UsageError. */
export function meantKey(
  config: PcacheConfig,
  { 'partition-key': name, 'partition-datatype': datatype }: KeyFlags,
): { readonly database: DatabaseConfig; readonly key: PartitionKeyConfig } {
  const all = [...config.databases.values()].flatMap((database) =>
    [...database.partitionKeys.values()].map((key) => ({ database, key })),
  );
  const meant = name === undefined ? all : all.filter(({ key }) => key.name === name);
  const [found, another] = meant;
  if (found === undefined)
    throw new UsageError(unknownKey(name, [...new Set(all.map(({ key }) => key.name))]));
  if (another !== undefined)
    throw new UsageError(
      found.key.name === another.key.name
        ? `the partition key ${found.key.name} is in several databases: say --db-name`
        : `there are several partition keys: say --partition-key ${[...new Set(all.map(({ key }) => key.name))].join(' or ')}`,
    );
  if (datatype !== undefined && datatype !== found.key.datatype)
    throw new UsageError(
      `--partition-datatype ${datatype}: the partition key ${found.key.name} is of datatype ${found.key.datatype}`,
    );
  return found;
}

/** The database that is meant: that of the partition key, or the only one. Throws UsageError. */
export function meantDatabase(config: PcacheConfig, flags: KeyFlags): DatabaseConfig {
  if (flags['partition-key'] !== undefined) return meantKey(config, flags).database;
  const [database, another] = config.databases.values();
  if (database === undefined) throw new UsageError('there is no database under databases');
  if (another === undefined) return database;
  throw new UsageError(
    `there are several databases: say --db-name ${[...config.databases.keys()].join(' or ')}`,
  );
}

function unknownKey(name: string | undefined, known: readonly string[]): string {
  if (known.length === 0) return 'no partition key: say --partition-key';
  const nearest = name === undefined ? undefined : nearestName(name, known);
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return `there is no partition key ${name ?? ''} in the configuration, but ${known.join(', ')}${hint}`;
}

/** Only the database of --db-name, if that is given beside a file. */
export function meantConfig(config: PcacheConfig, { 'db-name': name }: KeyFlags): PcacheConfig {
  if (typeof name !== 'string') return config;
  const database = config.databases.get(name);
  if (database !== undefined) return { ...config, databases: new Map([[name, database]]) };
  const known = [...config.databases.keys()];
  throw new UsageError(
    `--db-name ${name}: there is no such database under databases, but ${known.length === 0 ? 'none' : known.join(', ')}`,
  );
}

/** Throws UsageError, with the table of the backends that have the datatype. */
function checkHolds(backend: CacheType, datatype: PartitionKeyType): void {
  if (holdsDatatype(backend, datatype)) return;
  const able = cacheTypeNames.filter((name) => holdsDatatype(name, datatype));
  const rows = able.map((name) => `  ${name.padEnd(24)}${cacheTypes[name].join(', ')}`);
  throw new UsageError(
    `the backend ${backend} holds ${cacheTypes[backend].join(' and ')} keys, not ${datatype}. These hold them (--cache-backend):\n${rows.join('\n')}`,
  );
}

async function wantedKeys(
  config: PcacheConfig,
  { 'partition-key': name, 'partition-datatype': datatype }: KeyFlags,
): Promise<readonly (readonly [string, PartitionKeyType | undefined])[]> {
  if (name !== undefined) return [[name, datatype]];
  await using cache = await openCacheBackend(config.cache, loadUpstreamTls(config), commandLog(config));
  return [...(await cache.partitionKeys())];
}

async function keyFromDatabase(
  pool: ControlPool,
  config: PcacheConfig,
  name: string,
  wanted: PartitionKeyType | undefined,
  consistency: 'exact' | 'static' | undefined,
  untracked: 'exact' | 'static',
): Promise<object> {
  const columns = await findKeyColumns(pool, name, config.freshness.schema);
  const possible = columns.filter(({ datatype }) => datatype !== undefined);
  const datatype = wanted ?? possible[0]?.datatype;
  const fitting = possible.filter((column) => column.datatype === datatype && column.isReadable);
  if (datatype === undefined || fitting.length === 0) throw new UsageError(noTable(name, wanted, columns));
  checkHolds(config.cache.backend, datatype);
  return {
    datatype,
    consistency: consistency ?? ((await hasTracking(pool, config, fitting)) ? 'exact' : untracked),
    tables: Object.fromEntries(
      fitting
        .filter(({ schema, table, column }) => ![schema, table, column].some((part) => part.includes('.')))
        .map(({ schema, table, column }) => [`${written(schema)}.${written(table)}`, written(column)]),
    ),
  };
}

function noTable(
  name: string,
  datatype: PartitionKeyType | undefined,
  columns: readonly FoundKeyColumn[],
): string {
  if (columns.length === 0) return `no table has a column ${name}, or the role may not see it`;
  const found = columns.map(
    ({ schema, table, typeName, isReadable }) =>
      `${schema}.${table} (${typeName}${isReadable ? '' : ', which the role may not read'})`,
  );
  return `no table has a column ${name} of datatype ${datatype ?? partitionKeyTypes.join(', ')}: ${found.join(', ')}`;
}

/** A name as the configuration has it. */
export function written(name: string): string {
  return /^[\p{Ll}_][\p{Ll}\p{N}_$]*$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

async function hasTracking(
  pool: ControlPool,
  { freshness: { schema, lockTimeoutMs } }: PcacheConfig,
  columns: readonly FoundKeyColumn[],
): Promise<boolean> {
  try {
    const status = await new Tracking({ pool, schema, lockTimeoutMs, attempts: 1 }).status();
    return (status?.sources ?? []).some((source) =>
      columns.some(
        ({ schema: of, table, column }) =>
          source.tableNow === `${of}.${table}` && source.keyColumn === column,
      ),
    );
  } catch (error) {
    // Who may not look at it could not store exact entries either.
    if (error instanceof ControlQueryError && error.sqlState === '42501') return false;
    throw error;
  }
}
