import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { loadSqlFiles, type SqlFile, withNames } from '../../../postgres/sql-files';

/** Where in a database a cache is. Both may be any identifier, whatever its letters. */
export interface CacheSchema {
  readonly schema: string;
  /** What the names of its tables begin with. */
  readonly tablePrefix: string;
}

/** `sql/cache`, seen from src/cache/backends/postgresql and from dist alike. */
export const cacheSqlDirectory = join(__dirname, '..', '..', '..', '..', 'sql', 'cache');
export const cacheMigrationsDirectory = join(cacheSqlDirectory, 'migrations');
export const cacheQueriesDirectory = join(cacheSqlDirectory, 'queries');

/**
 * A statement for one cache: inside the quoted identifiers of a file, {schema}, {prefix} and what else is given stand for names. The
 * file itself is SQL as it is; nothing outside of quotes is ever replaced.
 */
export function forCache(
  file: SqlFile,
  names: CacheSchema,
  others: Readonly<Record<string, string>> = {},
): SqlFile {
  return withNames(file, { schema: names.schema, prefix: names.tablePrefix, ...others });
}

/** The text of sql/cache/grants.sql for these roles, to be run by a person. */
export function cacheGrants(
  names: CacheSchema,
  roles: { readonly control: string; readonly population: string; readonly client: string },
): string {
  return forCache(fileIn(cacheSqlDirectory, 'grants'), names, roles).text;
}

/** Makes the schema, and the table of what was applied to it. */
export function cacheBookkeeping(names: CacheSchema): SqlFile {
  return forCache(fileIn(cacheSqlDirectory, 'bookkeeping'), names);
}

/** A statement of sql/cache/queries. Throws if the installation lacks it. */
export function cacheQuery(name: string): SqlFile {
  return fileIn(cacheQueriesDirectory, name);
}

const loaded = new Map<string, ReadonlyMap<string, SqlFile>>();

function fileIn(directory: string, name: string): SqlFile {
  const files = loaded.get(directory) ?? loadSqlFiles(directory);
  loaded.set(directory, files);
  const file = files.get(name);
  if (file === undefined)
    throw new Error(`${join(directory, name)}.sql is missing; this installation is incomplete`);
  return file;
}

/** The channel of a backend's changes: an identifier has 63 bytes, schema and prefix may have as many each. */
export function changeChannel({ schema, tablePrefix }: CacheSchema, backend: string): string {
  const name = JSON.stringify([schema, tablePrefix, backend]);
  return `pcache_cache_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
