import { join } from 'node:path';
import { loadSqlFiles, type SqlFile, withNames } from '../postgres/sql-files';

/** `sql/freshness`, seen from src/freshness and from dist alike. */
export const freshnessSqlDirectory = join(__dirname, '..', '..', 'sql', 'freshness');
export const freshnessMigrationsDirectory = join(freshnessSqlDirectory, 'migrations');
export const freshnessQueriesDirectory = join(freshnessSqlDirectory, 'queries');

/** A statement of sql/freshness/queries for the schema that the change log is in. Throws if the installation lacks it. */
export function trackingQuery(name: string, schema: string): SqlFile {
  return withNames(fileIn(freshnessQueriesDirectory, name), { schema });
}

/** A script of sql/freshness, likewise; grants.sql has the name of a role as well. */
export function trackingScript(
  name: string,
  schema: string,
  others: Readonly<Record<string, string>> = {},
): SqlFile {
  return withNames(fileIn(freshnessSqlDirectory, name), { schema, ...others });
}

export interface TrackingMigration {
  readonly number: number;
  readonly file: SqlFile;
  /** Whether a program that does not know it must not use the schema. */
  readonly isBreaking: boolean;
}

/** All that this program knows, in order. */
export function trackingMigrations(schema: string): readonly TrackingMigration[] {
  return [...loadSqlFiles(freshnessMigrationsDirectory).values()]
    .map((file) => ({
      number: Number.parseInt(file.name, 10),
      file: withNames(file, { schema }),
      isBreaking: /^-- breaking: yes$/m.test(file.text),
    }))
    .sort((a, b) => a.number - b.number);
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
