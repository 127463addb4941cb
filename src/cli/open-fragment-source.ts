import { createRequire } from 'node:module';
import type { CacheBackend } from '../cache/cache-backend';
import type { Directory } from '../cache/directory';
import type { CatalogKeeper } from '../engine/catalog-keeper';
import { narrowedFragment } from '../engine/narrowed-fragment';
import { StartError } from '../errors/start-error';
import type {
  DatabaseConfig,
  PcacheConfig,
  PopulationConfig,
  SourceConfig,
} from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { FragmentSource } from '../population/fragment-source';
import type { CopyDatabase } from '../population/sources/copy/copy-database';
import { CopySource } from '../population/sources/copy/copy-source';
import { MysqlDatabase } from '../population/sources/copy/mysql-database';
import { SqliteDatabase } from '../population/sources/copy/sqlite-database';
import { FollowedPrimary } from '../population/sources/followed-primary';
import {
  type InPlacePopulation,
  PostgresqlSource,
  type PostgresqlSourceOptions,
} from '../population/sources/postgresql';
import type { ServerTls } from '../postgres/server-tls';
import { controlPool } from './control-pool';
import type { Owned } from './owned';
import { withoutValues } from './without-values';

export interface SourceParts {
  readonly serverTls: ServerTls | undefined;
  readonly backend: CacheBackend;
  readonly catalog: CatalogKeeper;
  /** Whether fragments are run although they are known, or expected to have too many keys. */
  readonly isForced: boolean;
  /** What is known; asked when a fragment is run. */
  readonly directory: () => Directory;
  readonly log: Log;
  readonly owned: Owned;
}

export interface FragmentSources {
  /** What runs fragments. */
  readonly source: FragmentSource;
  /** The database itself: what looks at keys that have changed. */
  readonly own: PostgresqlSource;
}

/** Where the fragments of a database are run. Throws StartError if a package is missing that it takes. */
export function openFragmentSource(
  database: DatabaseConfig,
  config: PcacheConfig,
  { serverTls, backend, catalog, isForced, directory, log, owned }: SourceParts,
): FragmentSources {
  const changeLogOf = (name: string): string | undefined => database.partitionKeys.get(name)?.changeLog;
  const limits = populationConnections(config.population);
  const pool = owned.add(controlPool(database, serverTls, limits, log));
  const shareLimitOf: PostgresqlSourceOptions['shareLimitOf'] = (name) => {
    const maxShare = database.partitionKeys.get(name)?.maxKeyShare;
    const totalKeys = isForced ? undefined : catalog.current?.keyCounts.get(name);
    return maxShare === undefined || totalKeys === undefined ? undefined : { maxShare, totalKeys };
  };
  const options = { ...config.population, changeLogOf, shareLimitOf };
  const method = config.population.useCache;
  const narrowing = {
    backend,
    catalog: () => catalog.current,
    partitionKeys: [...database.partitionKeys.values()],
  };
  const own = new PostgresqlSource({
    pool,
    ...options,
    // Who has known fragments run again does not trust what is known.
    ...(method === 'off' || isForced
      ? {}
      : {
          narrowed: (fragment) =>
            narrowedFragment(fragment, { ...narrowing, directory: directory(), method }),
        }),
    ...(config.cache.postgresql.mayStoreInPlace
      ? { inPlace: inPlacePopulation(backend, log, config.log.sql) }
      : {}),
  });
  const { source } = database;
  if (source === undefined) return { source: own, own };
  if (source.kind === 'standby') {
    const control = { ...database.control, host: source.host, port: source.port };
    const standby = owned.add(controlPool({ ...database, control }, serverTls, limits, log));
    const primary = new FollowedPrimary({ pool, changeLogOf });
    return {
      source: new PostgresqlSource({ pool: standby, ...options, primary }),
      own,
    };
  }
  const current = async (): Promise<CatalogKeeper['current']> => {
    await catalog.settled();
    return catalog.current;
  };
  const { timeoutMs, maxKeys } = config.population;
  const copy = { database: openCopy(source), catalog: current, schema: source.schema, timeoutMs, maxKeys };
  return { source: new CopySource(copy), own };
}

function openCopy(source: Exclude<SourceConfig, { readonly kind: 'standby' }>): CopyDatabase {
  if (source.kind === 'sqlite') {
    checkPackage('better-sqlite3', 'npm install better-sqlite3@11.10.0', source.kind);
    return new SqliteDatabase({ path: source.path });
  }
  checkPackage('mysql2', 'npm install mysql2', source.kind);
  const { host, port, user, password, database } = source;
  return new MysqlDatabase({ host, port, user, password: () => password?.reveal(), database });
}

function checkPackage(name: string, remedy: string, kind: string): void {
  try {
    createRequire(__filename).resolve(name);
  } catch (error) {
    const message = `a source of kind ${kind} takes the package ${name}, which is not installed: ${remedy}`;
    throw new StartError(message, { cause: error });
  }
}

/** How often a server looks whether whoever asked is still there (PostgreSQL 14 and later), so that what a worker ran ends with it. */
const clientCheck = '1s';

function populationConnections({ concurrency, lockTimeoutMs, workMem, parallelWorkers }: PopulationConfig) {
  return {
    maxConnections: concurrency,
    settings: {
      client_connection_check_interval: clientCheck,
      max_parallel_workers_per_gather: String(parallelWorkers),
      // It uses the processor for what may save time of later rows, which are not the ones clients wait for.
      jit: 'off',
      ...(lockTimeoutMs > 0 ? { lock_timeout: `${Math.ceil(lockTimeoutMs)}ms` } : {}),
      ...(workMem === undefined ? {} : { work_mem: workMem }),
    },
  };
}

/** Reasons that are told once; some quote a fragment, so there may be many. */
const maxReasonsTold = 100;

function inPlacePopulation(backend: CacheBackend, log: Log, maySayValues: boolean): InPlacePopulation {
  const told = new Set<string>();
  return {
    store: () => backend.inPlace,
    refused: (error) => {
      const reason = (maySayValues ? error : withoutValues(error)) ?? error;
      if (told.has(reason)) return;
      if (told.size >= maxReasonsTold) told.clear();
      told.add(reason);
      log.info({ reason }, 'a key set was not stored in place, but passed through the proxy');
    },
  };
}
