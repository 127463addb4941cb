import { join } from 'node:path';
import type { MigrationSet } from '../postgres/migrations';
import { type SqlFile, sqlFileIn, withNames } from '../postgres/sql-files';

/** `sql/freshness`, seen from src/freshness and from dist alike. */
export const freshnessSqlDirectory = join(__dirname, '..', '..', 'sql', 'freshness');
export const freshnessMigrationsDirectory = join(freshnessSqlDirectory, 'migrations');
export const freshnessQueriesDirectory = join(freshnessSqlDirectory, 'queries');

/** A statement of sql/freshness/queries for the schema that the change log is in. Throws if the installation lacks it. */
export function trackingQuery(name: string, schema: string): SqlFile {
  return withNames(sqlFileIn(freshnessQueriesDirectory, name), { schema });
}

/** A script of sql/freshness, likewise; grants.sql has the name of a role as well. */
export function trackingScript(
  name: string,
  schema: string,
  others: Readonly<Record<string, string>> = {},
): SqlFile {
  return withNames(sqlFileIn(freshnessSqlDirectory, name), { schema, ...others });
}

/** What `pcache track install` applies. It runs in a transaction of the tracking's own, with what else that needs. */
export function trackingMigrations(schema: string): MigrationSet {
  return { directory: freshnessMigrationsDirectory, schema, table: 'tracking_migration', names: {} };
}
