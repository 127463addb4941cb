import type { Argv } from 'yargs';
import type { TrackedTable } from '../../freshness/tracking';
import { Tracking } from '../../freshness/tracking';
import type { DatabaseConfig, PcacheConfig } from '../../ops/config/pcache-config';
import { openPool } from '../../postgres/control-pool';
import { type ConfigFlags, passwordOf, withConfigFlags } from '../config-flags';
import { readKeyedConfig } from '../key-flags';
import { loadUpstreamTls } from '../load-tls';
import { trackedTables } from '../tracked-tables';
import { UsageError } from '../usage-error';
import { unknownName } from '../unknown-name';

/** The options of every command of `pcache track`. */
export interface TrackFlags extends ConfigFlags {
  readonly database: string | undefined;
  readonly key: string | undefined;
  readonly user: string | undefined;
  readonly 'password-env': string | undefined;
}

export function withTrackFlags<T>(argv: Argv<T>): Argv<T & TrackFlags> {
  const text = { type: 'string', requiresArg: true } as const;
  return withConfigFlags(argv)
    .option('database', { ...text, describe: 'Only this one [default: all under databases]' })
    .option('key', { ...text, describe: 'Only the tables of this partition key [default: all]' })
    .option('user', {
      ...text,
      describe: 'Role to work as: the owner of the tables, or a superuser [default: the control role]',
    })
    .option('password-env', { ...text, describe: 'Environment variable with its password' });
}

/** One database to work on, and which of its tables. */
export interface TrackedDatabase {
  readonly name: string;
  readonly target: string;
  readonly tracking: Tracking;
  readonly tables: readonly TrackedTable[];
  /** Whether everything in it is meant, also what the configuration no longer lists. */
  readonly isWhole: boolean;
}

/** Calls back with each database the flags mean, one after the other. Throws UsageError if there is none. */
export async function forTrackedDatabases(
  flags: TrackFlags,
  use: (database: TrackedDatabase) => Promise<void>,
): Promise<void> {
  const config = await readKeyedConfig({ ...flags, 'partition-key': flags.key });
  for (const database of meantDatabases(config, flags)) {
    await using pool = trackingPool(database, config, flags);
    const { schema, lockTimeoutMs, lockAttempts } = config.freshness;
    const tracking = new Tracking({ pool, schema, lockTimeoutMs, attempts: lockAttempts });
    const tables = tablesOf(database, flags.key);
    await use({
      name: database.name,
      target: pool.target,
      tracking,
      tables,
      isWhole: flags.key === undefined,
    });
  }
}

function meantDatabases(config: PcacheConfig, { database, key }: TrackFlags): readonly DatabaseConfig[] {
  const all = [...config.databases.values()];
  const named = database === undefined ? all : all.filter(({ name }) => name === database);
  const meant = key === undefined ? named : named.filter(({ partitionKeys }) => partitionKeys.has(key));
  if (meant.length > 0) return meant;
  if (named.length === 0)
    throw new UsageError(
      database === undefined
        ? 'no database is under databases'
        : unknownName('database', database, 'under databases', [...config.databases.keys()]),
    );
  const keys = named.flatMap(({ partitionKeys }) => [...partitionKeys.keys()]);
  throw new UsageError(unknownName('partition key', key ?? '', 'under databases', keys));
}

/** A table of 1,000 partitions has some thousand triggers: making or looking at them takes its time. */
const queryTimeoutMs = 10 * 60_000;

function trackingPool({ name, control }: DatabaseConfig, config: PcacheConfig, flags: TrackFlags) {
  const { user, 'password-env': variable } = flags;
  const ownPassword = user === undefined ? control.password?.reveal() : undefined;
  return openPool({
    host: control.host,
    port: control.port,
    database: name,
    user: user ?? control.user,
    password: variable === undefined ? ownPassword : passwordOf(flags, variable),
    tls: loadUpstreamTls(config),
    maxConnections: 1,
    queryTimeoutMs,
  });
}

function tablesOf({ partitionKeys }: DatabaseConfig, only: string | undefined): readonly TrackedTable[] {
  return trackedTables([...partitionKeys.values()].filter(({ name }) => only === undefined || name === only));
}

/** `public.place (region_id)` */
export function describeTable({
  schema,
  table,
  keyColumn,
}: {
  readonly schema: string;
  readonly table: string;
  readonly keyColumn: string | undefined;
}): string {
  return `${schema}.${table}${keyColumn === undefined ? '' : ` (${keyColumn})`}`;
}
