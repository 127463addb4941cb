import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { ConfigFile } from './config-schema';
import { evictionLimits } from './eviction-schema';
import { parseIdentifier, parseTableName } from './identifier';
import type {
  CachePostgresqlConfig,
  CacheRedisConfig,
  ControlConfig,
  DatabaseConfig,
  EvictionConfig,
  PartitionKeyConfig,
  PcacheConfig,
  PostgresqlPlace,
} from './pcache-config';
import type { FragmentOptions, TableFragmentOptions } from '../../query/fragment/fragment-options';
import { formatPath } from './option-path';
import { buildSource } from './build-source';
import {
  adminPath,
  cachePostgresqlPath,
  cacheRedisPath,
  controlPath,
  queuePostgresqlPath,
  sourcePath,
} from './passwords';
import { parseRedisAddresses } from './redis-addresses';
import type { Secret } from './secret';

type DatabaseFile = ConfigFile['databases'][string];
type PartitionKeyFile = DatabaseFile['partition_keys'][string];

/** Gives a checked file the form the program works with. */
export function buildConfig(
  file: ConfigFile,
  passwords: ReadonlyMap<string, Secret>,
  origin: {
    readonly source: string;
    readonly workingDirectory: string;
    readonly notices: readonly string[];
  },
): PcacheConfig {
  const absolute = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(origin.workingDirectory, path);
  const { listen, upstream } = file;
  const verify = { share: file.verify.share, timeoutMs: file.verify.timeout_ms };
  const databases = new Map(
    Object.entries(file.databases).map(([name, database]) => [
      name,
      buildDatabase(
        name,
        database,
        upstream,
        passwords.get(formatPath(controlPath(name))),
        file.freshness.schema,
        (control) => buildSource(database, control, passwords.get(formatPath(sourcePath(name))), absolute),
      ),
    ]),
  );
  const cachePostgresql = buildCachePostgresql(
    file,
    databases,
    passwords.get(formatPath(cachePostgresqlPath)),
  );
  return freezeDeep<PcacheConfig>({
    options: file,
    source: origin.source,
    notices: origin.notices,
    mode: file.mode === 'verify' ? 'on' : file.mode,
    verification: file.mode === 'verify' ? verify : undefined,
    verify,
    workers: file.workers === 'auto' ? availableParallelism() : file.workers,
    listen: {
      host: listen.host,
      port: listen.port,
      socketDirectory: absolute(listen.socket_directory),
      tls: {
        mode: listen.tls.mode,
        certificate: absolute(listen.tls.certificate),
        key: absolute(listen.tls.key),
        clientCa: absolute(listen.tls.client_ca),
        minimumVersion: listen.tls.minimum_version,
      },
    },
    upstream: {
      host: upstream.host,
      port: upstream.port,
      tls: {
        mode: upstream.tls.mode,
        ca: absolute(upstream.tls.ca),
        certificate: absolute(upstream.tls.certificate),
        key: absolute(upstream.tls.key),
      },
    },
    auth: {
      mode: file.auth.mode,
      query: file.auth.query,
      database: file.auth.database,
      userFile: absolute(file.auth.user_file),
    },
    admin: {
      host: file.admin.host,
      port: file.admin.port,
      access: file.admin.access,
      token: passwords.get(formatPath(adminPath)),
      users: namesIn(file.admin.users),
      consoleDatabase: file.admin.console_database,
      loginDatabase: file.admin.login_database ?? Object.keys(file.databases)[0] ?? 'postgres',
    },
    cache: {
      backend: file.cache.backend,
      path: resolve(origin.workingDirectory, file.cache.path),
      bits: file.cache.bits,
      deadlineMs: file.cache.deadline_ms,
      postgresql: cachePostgresql,
      redis: buildCacheRedis(file.cache.redis, passwords.get(formatPath(cacheRedisPath)), absolute),
    },
    population: {
      minQueryMs: file.population.min_query_ms,
      minSeen: file.population.min_seen,
      concurrency: file.population.concurrency,
      timeoutMs: file.population.timeout_ms,
      maxKeys: file.population.max_keys,
      useCache: file.population.use_cache,
      runBy: file.population.run_by,
      lockTimeoutMs: file.population.lock_timeout_ms,
      workMem: file.population.work_mem,
      duty: file.population.duty,
      parallelWorkers: file.population.parallel_workers,
      maxActiveConnections: file.population.max_active_connections,
      maxReplicationLagMs: file.population.max_replication_lag_ms,
    },
    queue: {
      provider: file.queue.provider,
      tablePrefix: file.queue.table_prefix,
      postgresql: buildQueuePostgresql(
        file.queue,
        cachePostgresql,
        passwords.get(formatPath(queuePostgresqlPath)),
      ),
      isListening: file.queue.listen,
      leaseMs: file.queue.lease_ms,
      maxAttempts: file.queue.max_attempts,
      maxLength: file.queue.max_length,
    },
    eviction: buildEviction(file.eviction),
    freshness: {
      schema: file.freshness.schema,
      lockTimeoutMs: file.freshness.lock_timeout_ms,
      lockAttempts: file.freshness.lock_attempts,
      checkMs: file.freshness.check_ms,
      requiresDdlWatch: file.freshness.require_ddl_watch,
      maxChanges: file.freshness.max_changes,
      refreshChanges: file.freshness.refresh_changes,
    },
    limits: {
      maxSessions: file.limits.max_sessions,
      maxSessionsPerDatabase: file.limits.max_sessions_per_database,
      maxSessionsPerUser: file.limits.max_sessions_per_user,
      connectTimeoutMs: file.limits.connect_timeout_ms,
      heldReplyBytes: file.limits.held_reply_bytes,
      inspectBytes: file.limits.inspect_bytes,
      loginTimeoutMs: file.limits.login_timeout_ms,
      queryTimeoutMs: file.limits.query_timeout_ms,
      idleTimeoutMs: file.limits.idle_timeout_ms,
      keepAliveMs: file.limits.tcp_keepalive_ms,
      maxMessageBytes: file.limits.max_message_bytes,
      drainTimeoutMs: file.limits.drain_timeout_ms,
      successorTimeoutMs: file.limits.successor_timeout_ms,
      workerTimeoutMs: file.limits.worker_timeout_ms,
      memoryBytes: file.limits.memory_bytes,
    },
    log: {
      level: file.log.level,
      levels: file.log.levels,
      format: file.log.format,
      sql: file.log.sql,
      slowMs: file.log.slow_ms,
      rewriteShare: file.log.rewrites.sample,
    },
    databases,
  });
}

function buildEviction(eviction: ConfigFile['eviction']): EvictionConfig {
  return {
    runBy: eviction.run_by,
    intervalMs: eviction.interval_s * 1_000,
    limits: evictionLimits(eviction),
    logDays: eviction.log_days,
  };
}

function buildCacheRedis(
  redis: ConfigFile['cache']['redis'],
  password: Secret | undefined,
  absolute: (path: string | undefined) => string | undefined,
): CacheRedisConfig {
  const { kind, tls } = redis;
  return {
    kind,
    addresses: parseRedisAddresses(redis.addresses),
    sentinelName: redis.sentinel_name,
    user: redis.user,
    password,
    database: redis.database,
    tls: {
      mode: tls.mode,
      ca: absolute(tls.ca),
      certificate: absolute(tls.certificate),
      key: absolute(tls.key),
    },
    keyPrefix: redis.key_prefix,
    ttlMs: redis.ttl_s === 0 ? undefined : redis.ttl_s * 1_000,
    commandTimeoutMs: redis.command_timeout_ms,
  };
}

/** What is not said is as for the control connections of the database the cache is in, or of the only one there is. */
function buildCachePostgresql(
  { cache, upstream }: ConfigFile,
  databases: ReadonlyMap<string, DatabaseConfig>,
  password: Secret | undefined,
): CachePostgresqlConfig {
  const written = cache.postgresql;
  const [only] = databases.size === 1 ? databases.values() : [];
  const home = written.database === undefined ? only : databases.get(written.database);
  return {
    host: written.host ?? home?.control.host ?? upstream.host,
    port: written.port ?? home?.control.port ?? upstream.port,
    database: written.database ?? home?.name,
    user: written.user ?? home?.control.user,
    password: password ?? (written.user === undefined ? home?.control.password : undefined),
    schema: written.schema,
    tablePrefix: written.table_prefix,
    mayStoreInPlace: written.in_place === 'auto',
  };
}

/** What is not said is as for the cache. */
function buildQueuePostgresql(
  { postgresql: written }: ConfigFile['queue'],
  cache: PostgresqlPlace,
  password: Secret | undefined,
): PostgresqlPlace {
  return {
    host: written.host ?? cache.host,
    port: written.port ?? cache.port,
    database: written.database ?? cache.database,
    user: written.user ?? cache.user,
    password: password ?? (written.user === undefined ? cache.password : undefined),
  };
}

function buildDatabase(
  name: string,
  database: DatabaseFile,
  upstream: ConfigFile['upstream'],
  password: Secret | undefined,
  changeLog: string,
  sourceOf: (control: ControlConfig) => DatabaseConfig['source'],
): DatabaseConfig {
  const { host, port, user } = database.control;
  const control: ControlConfig = { host: host ?? upstream.host, port: port ?? upstream.port, user, password };
  const keys = Object.entries(database.partition_keys);
  const partitionKeys = new Map(keys.map(([key, value]) => [key, buildPartitionKey(key, value, changeLog)]));
  const { max_sessions: maxSessions } = database;
  return freezeDeep({ name, control, maxSessions, source: sourceOf(control), partitionKeys });
}

function buildPartitionKey(name: string, key: PartitionKeyFile, changeLog: string): PartitionKeyConfig {
  const tables = new Map<string, string>();
  for (const [written, column] of Object.entries(key.tables)) {
    const table = parseTableName(written);
    const keyColumn = parseIdentifier(column);
    if (!table.ok || !keyColumn.ok) throw new Error(`${written}: ${column} passed the checks`);
    tables.set(`${table.schema}.${table.name}`, keyColumn.name);
  }
  return freezeDeep({
    name,
    datatype: key.datatype,
    consistency: key.consistency,
    ...(key.consistency === 'exact' ? { changeLog } : {}),
    maxKeyShare: key.max_key_share,
    method: key.method,
    tables,
    fragments: buildFragments(key.fragments),
  });
}

function buildFragments(file: PartitionKeyFile['fragments']): FragmentOptions {
  const byTable = <T>(options: Readonly<Record<string, T>>): Map<string, T> =>
    new Map(Object.entries(options).map(([written, value]) => [tableName(written), value]));
  const ofTables = Object.entries(file.tables).map(([written, own]): [string, TableFragmentOptions] => [
    tableName(written),
    {
      ...(own.bucket_steps === undefined ? {} : { bucketSteps: String(own.bucket_steps) }),
      ...(own.remove_constraints_all === undefined
        ? {}
        : { removeConstraintsAll: own.remove_constraints_all }),
      ...(own.remove_constraints_add === undefined
        ? {}
        : { removeConstraintsAdd: own.remove_constraints_add }),
    },
  ]);
  return {
    followGraph: file.follow_graph,
    minComponentSize: file.min_component_size,
    maxComponentSize: file.max_component_size,
    maxFragments: file.max_fragments,
    partitionJoinTable: file.partition_join_table,
    autoDetectPartitionJoin: file.auto_detect_partition_join,
    bucketSteps: file.bucket_steps === 0 ? undefined : String(file.bucket_steps),
    addConstraints: byTable(file.add_constraints),
    removeConstraintsAll: file.remove_constraints_all,
    removeConstraintsAdd: file.remove_constraints_add,
    warnNoPartitionKey: file.warn_no_partition_key,
    tables: new Map(ofTables),
  };
}

function tableName(written: string): string {
  const table = parseTableName(written);
  if (!table.ok) throw new Error(`${written} passed the checks`);
  return `${table.schema}.${table.name}`;
}

/** Names separated by commas. */
function namesIn(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Freezes plain data all the way down. A Map's content cannot be frozen; its type is read-only instead. */
function freezeDeep<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null && !Object.isFrozen(part)) freezeDeep(part);
  }
  return Object.freeze(value);
}
