import { existsSync } from 'node:fs';
import { type PostgresServer, startPostgres } from './postgres-server';

/** Debian's pg_cron is built for Debian's server. */
export const hasPgCron = existsSync('/usr/share/postgresql/15/extension/pg_cron.control');

/** Of a server whose pg_cron keeps jobs in the database postgres. */
export const cronSettings = {
  shared_preload_libraries: 'pg_cron',
  'cron.database_name': 'postgres',
  // Jobs need not log in.
  'cron.use_background_workers': 'on',
  max_worker_processes: 20,
} as const;

/** PostgreSQL 15 with pg_cron. */
export async function startCronServer(
  settings: Readonly<Record<string, string | number | boolean>> = {},
): Promise<PostgresServer> {
  return startPostgres({
    binaries: 'debian15',
    settings: { ...cronSettings, ...settings },
  });
}
