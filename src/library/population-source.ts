import { createRequire } from 'node:module';
import { controlPool } from '../cli/control-pool';
import { loadUpstreamTls } from '../cli/load-tls';
import type { Owned } from '../cli/owned';
import { InexactEntryError } from '../errors/inexact-entry-error';
import { StartError } from '../errors/start-error';
import type { FragmentSource } from '../population/fragment-source';
import type { CopyDatabase } from '../population/sources/copy/copy-database';
import { CopySource } from '../population/sources/copy/copy-source';
import { MysqlDatabase } from '../population/sources/copy/mysql-database';
import { SqliteDatabase } from '../population/sources/copy/sqlite-database';
import { PostgresqlSource } from '../population/sources/postgresql';
import { openPool } from '../postgres/control-pool';
import { loadServerTls } from '../postgres/server-tls';
import type { HelperParts } from './cache-helper';
import { type ConnectionInput, connectionParameters } from './connection';
import type { QueryEngine } from './query-engine';

/** A copy of the data on a MySQL or MariaDB server; takes the package mysql2. */
export interface MysqlSourceOptions {
  readonly host: string;
  /** Default: 3306. */
  readonly port?: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  /** Whose tables are in the copy, under their names. Default: public. */
  readonly schema?: string;
}

/** A copy of the data in an SQLite file, which is only read; takes the package better-sqlite3. */
export interface SqliteSourceOptions {
  readonly path: string;
  /** Whose tables are in the copy, under their names. Default: public. */
  readonly schema?: string;
  /** The program that reads the file, where it is not beside this one, and its environment. Default: our own. */
  readonly program?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Where fragments are run. `own` is the helper's database. Of all others YOU PROMISE THAT THEY HOLD THE SAME ROWS; they are for static keys.
 */
export type PopulationSource =
  | { readonly kind: 'own' }
  | { readonly kind: 'postgresql'; readonly connection: ConnectionInput }
  | ({ readonly kind: 'mysql' } & MysqlSourceOptions)
  | ({ readonly kind: 'sqlite' } & SqliteSourceOptions);

export function postgresqlSource(connection?: ConnectionInput): PopulationSource {
  return connection === undefined ? { kind: 'own' } : { kind: 'postgresql', connection };
}

export function mysqlSource(options: MysqlSourceOptions): PopulationSource {
  return { kind: 'mysql', ...options };
}

export function sqliteSource(options: SqliteSourceOptions): PopulationSource {
  return { kind: 'sqlite', ...options };
}

export interface SourceLimits {
  readonly timeoutMs: number;
  readonly maxKeys: number;
}

/** Opens it. Throws InexactEntryError for a copy of exact keys, StartError if a package is missing that it takes. */
export function openSource(
  source: PopulationSource,
  { config, partitionKey, log }: HelperParts,
  { database, catalog }: QueryEngine,
  limits: SourceLimits,
  owned: Owned,
): FragmentSource {
  const tls = loadUpstreamTls(config);
  const changeLogOf = (name: string): string | undefined => database.partitionKeys.get(name)?.changeLog;
  if (source.kind === 'own') {
    const pool = owned.add(controlPool(database, tls, { maxConnections: 1 }, log));
    return new PostgresqlSource({ pool, ...limits, changeLogOf });
  }
  if (changeLogOf(partitionKey) !== undefined) throw new InexactEntryError(partitionKey);
  if (source.kind === 'postgresql') {
    const { tls: files, ...connection } = connectionParameters(source.connection);
    const { ca, certificate, key } = files ?? {};
    const given = files === undefined ? undefined : loadServerTls({ mode: files.mode, ca, certificate, key });
    const pool = owned.add(openPool({ ...connection, tls: given, maxConnections: 1 }));
    return new PostgresqlSource({ pool, ...limits });
  }
  const { schema = 'public' } = source;
  return new CopySource({ database: openCopy(source), catalog, schema, ...limits });
}

function openCopy(source: Extract<PopulationSource, { kind: 'mysql' | 'sqlite' }>): CopyDatabase {
  if (source.kind === 'sqlite') {
    const { path, program, environment } = source;
    checkPackage('better-sqlite3', 'npm install better-sqlite3@11.10.0', environment);
    return new SqliteDatabase({
      path,
      ...(program === undefined ? {} : { program }),
      ...(environment === undefined ? {} : { environment }),
    });
  }
  checkPackage('mysql2', 'npm install mysql2', undefined);
  const { host, port = 3306, user, password, database } = source;
  return new MysqlDatabase({ host, port, user, password, database });
}

/** With another NODE_PATH the package may be where only its process finds it. */
function checkPackage(name: string, remedy: string, environment: NodeJS.ProcessEnv | undefined): void {
  if (environment !== undefined) return;
  try {
    createRequire(__filename).resolve(name);
  } catch (error) {
    throw new StartError(`the package ${name} is not installed: ${remedy}`, { cause: error });
  }
}
