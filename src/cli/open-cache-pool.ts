import type { PostgresqlPlace } from '../ops/config/pcache-config';
import { type ControlPool, openPool } from '../postgres/control-pool';
import type { ServerTls } from '../postgres/server-tls';
import { UsageError } from './usage-error';

/** One listens for changes, the others work. */
const connections = 4;
/** A cache that takes longer is of no use; a large entry may take a while to be written. */
const connectTimeoutMs = 2_000;
const queryTimeoutMs = 10_000;

/** Connections to the database a cache is in, or a queue. Throws UsageError if the configuration does not say which. */
export function openCachePool(
  { host, port, database, user, password }: PostgresqlPlace,
  tls: ServerTls | undefined,
  maxConnections = connections,
): ControlPool {
  if (database === undefined || user === undefined)
    throw new UsageError('cache.postgresql.database and cache.postgresql.user are required');
  return openPool({
    host,
    port,
    database,
    user,
    password: () => password?.reveal(),
    tls,
    maxConnections,
    connectTimeoutMs,
    queryTimeoutMs,
  });
}
