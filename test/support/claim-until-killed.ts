import { appendFileSync, writeSync } from 'node:fs';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { PostgresqlQueue } from '../../src/population/queue/postgresql/postgresql-queue';
import { HeldLease } from '../../src/population/queue/held-lease';
import { fragments } from '../../src/population/queue/work-kind';
import { openPool } from '../../src/postgres/control-pool';
import type { ConnectionOptions } from './postgres-server';

export const killSchema = { schema: 'pcache', tablePrefix: '' };
export const killSource = '7000/1';
/** Short, so that what a killed worker had is claimed again soon. */
export const killLimits = { leaseMs: 10_000, maxAttempts: 1_000, maxLength: 1_000_000 };

export interface KillOptions {
  readonly connection: ConnectionOptions;
  readonly workers: number;
  /** Where what was done is written down, a line each. */
  readonly doneFile: string;
}

/**
 * Works on the queue until it is killed. While a piece of work is done, a lock of its name is held on the server, by the session of the
 * process: whoever finds it taken has found work that runs twice at once.
 */
async function work({ connection, workers, doneFile }: KillOptions): Promise<void> {
  const pool = openPool({ ...connection, maxConnections: 4 });
  const queue = new PostgresqlQueue({
    ...killLimits,
    ...{ pool, schema: killSchema, kind: fragments, source: killSource, warn: () => undefined },
  });
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  writeSync(1, 'working\n');
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (;;) {
        const client = new Client(connection);
        client.on('error', () => undefined);
        try {
          await client.connect();
          for (;;) {
            const lease = await queue.claim(never);
            if (lease === undefined) continue;
            using held = new HeldLease(queue, lease, never, () => undefined);
            const { sql } = lease.work;
            const { rows } = await client.query<{ ok: boolean }>(
              'select pg_try_advisory_lock(hashtextextended($1, 0)) as ok',
              [sql],
            );
            if (rows[0]?.ok !== true) appendFileSync(doneFile, `twice ${sql}\n`);
            if (held.isLost) appendFileSync(doneFile, `lost ${sql}\n`);
            appendFileSync(doneFile, `done ${sql}\n`);
            await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [sql]);
            await queue.complete(lease);
          }
        } catch {
          // The server is down: it is tried again, as by an observer.
          await delay(50);
        } finally {
          await client.end().catch(() => undefined);
        }
      }
    }),
  );
}

if (require.main === module) void work(JSON.parse(process.argv[2] ?? '{}') as KillOptions);
