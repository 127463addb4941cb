import { ControlConnectionError } from '../errors/control-connection-error';
import { backoffMs } from '../population/backoff';
import { readDatabaseIdentity } from '../postgres/catalog/read-database-identity';
import type { ControlPool } from '../postgres/control-pool';
import { pause } from '../postgres/deadline';
import type { DatabaseSource } from './open-queues';

const outageBackoff = { firstMs: 500, maxMs: 5_000 };

/** The identity of a database, as the database tells it: waited for while it cannot be reached. */
export function databaseSource(pool: ControlPool): DatabaseSource {
  return async (signal) => {
    for (let failures = 1; ; failures++) {
      signal.throwIfAborted();
      try {
        return await readDatabaseIdentity(pool);
      } catch (error) {
        if (!(error instanceof ControlConnectionError)) throw error;
        await pause(backoffMs(outageBackoff, failures), signal);
      }
    }
  };
}
