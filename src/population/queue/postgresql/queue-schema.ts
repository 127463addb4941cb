import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { MigrationSet } from '../../../postgres/migrations';
import { type SqlFile, sqlFileIn, withNames } from '../../../postgres/sql-files';
import type { WorkKind } from '../work-kind';

/** Where in a database the queues are. Both may be any identifier, whatever its letters. */
export interface QueueSchema {
  readonly schema: string;
  /** What the names of its tables begin with. */
  readonly tablePrefix: string;
}

/** `sql/queue`, seen from src/population/queue/postgresql and from dist alike. */
export const queueSqlDirectory = join(__dirname, '..', '..', '..', '..', 'sql', 'queue');
export const queueMigrationsDirectory = join(queueSqlDirectory, 'migrations');
export const queueQueriesDirectory = join(queueSqlDirectory, 'queries');

/** What makes both tiers. */
export function queueMigrations({ schema, tablePrefix }: QueueSchema): MigrationSet {
  const table = `${tablePrefix}queue_migration`;
  return { directory: queueMigrationsDirectory, schema, table, names: { prefix: tablePrefix } };
}

/** A statement of sql/queue/queries for one tier. Throws if the installation lacks it. */
export function queueQuery(name: string, { schema, tablePrefix }: QueueSchema, queue: string): SqlFile {
  return withNames(sqlFileIn(queueQueriesDirectory, name), { schema, prefix: tablePrefix, queue });
}

/** The text of sql/queue/grants.sql for the role of proxies and observers, to be run by a person. */
export function queueGrants({ schema, tablePrefix }: QueueSchema, control: string): string {
  return withNames(sqlFileIn(queueSqlDirectory, 'grants'), { schema, prefix: tablePrefix, control }).text;
}

/** The channel that tells of new work for a source: a name of 63 bytes at most, whatever the schema is called. */
export function workChannel(
  { schema, tablePrefix }: QueueSchema,
  { name }: Pick<WorkKind<never>, 'name'>,
  source: string,
): string {
  const parts = JSON.stringify([schema, tablePrefix, name, source]);
  return `pcache_queue_${createHash('sha256').update(parts).digest('hex').slice(0, 32)}`;
}
