import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { MigrationSet } from '../../../postgres/migrations';
import { type SqlFile, sqlFileIn, withNames } from '../../../postgres/sql-files';

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

/** A statement for one cache; see withNames. */
export function forCache(
  file: SqlFile,
  names: CacheSchema,
  others: Readonly<Record<string, string>> = {},
): SqlFile {
  return withNames(file, { schema: names.schema, prefix: names.tablePrefix, ...others });
}

/** What sets a cache's schema up; see postgres/migrations.ts. */
export function cacheMigrations({ schema, tablePrefix }: CacheSchema): MigrationSet {
  return {
    directory: cacheMigrationsDirectory,
    schema,
    table: `${tablePrefix}migration`,
    names: { prefix: tablePrefix },
  };
}

/** What the roles need, as SQL to be run by a person. Clients get nothing unless their role is named. */
export function cacheGrants(
  names: CacheSchema,
  {
    control,
    population,
    client,
  }: { readonly control: string; readonly population: string; readonly client?: string | undefined },
): string {
  const own = forCache(sqlFileIn(cacheSqlDirectory, 'grants'), names, { control, population }).text;
  if (client === undefined) return own;
  return `${own}\n${forCache(sqlFileIn(cacheSqlDirectory, 'client-grants'), names, { client }).text}`;
}

/** A statement of sql/cache/queries. Throws if the installation lacks it. */
export function cacheQuery(name: string): SqlFile {
  return sqlFileIn(cacheQueriesDirectory, name);
}

/** The channel of a backend's changes: an identifier has 63 bytes, schema and prefix may have as many each. */
export function changeChannel({ schema, tablePrefix }: CacheSchema, backend: string): string {
  const name = JSON.stringify([schema, tablePrefix, backend]);
  return `pcache_cache_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
