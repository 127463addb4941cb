import { appendFileSync } from 'node:fs';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Owned } from '../../src/cli/owned';
import { HeldLease } from '../../src/population/queue/held-lease';
import { PostgresqlQueue } from '../../src/population/queue/postgresql/postgresql-queue';
import { RedisQueue } from '../../src/population/queue/redis/redis-queue';
import { fragments } from '../../src/population/queue/work-kind';
import type { WorkQueue } from '../../src/population/queue/work-queue';
import { openPool } from '../../src/postgres/control-pool';
import type { Fragment } from '../../src/query/fragment/fragment';
import type { ConnectionOptions } from './postgres-server';
import { redisOptions } from './redis-options';

export const killSchema = { schema: 'pcache', tablePrefix: '' };
const source = '7000/1';
/** Short, so that what a killed worker had is claimed again soon. */
const limits = { leaseMs: 10_000, maxAttempts: 1_000, maxLength: 1_000_000 };

/** Where the queue is. */
export type KilledQueue =
  | { readonly provider: 'postgresql'; readonly connection: ConnectionOptions }
  | { readonly provider: 'redis'; readonly host: string; readonly port: number };

export interface KillOptions {
  readonly queue: KilledQueue;
  /** A server that is not killed, unless it is the queue's. */
  readonly locks: ConnectionOptions;
  readonly workers: number;
  /** Where what was done is written down, a line each. */
  readonly doneFile: string;
}

/** The queue, and what it was opened with. */
export async function openKilledQueue(
  where: KilledQueue,
): Promise<{ readonly queue: WorkQueue<Fragment> } & AsyncDisposable> {
  const owned = new Owned();
  const common = { ...limits, kind: fragments, source, warn: () => undefined };
  const dispose = (): Promise<void> => owned[Symbol.asyncDispose]();
  if (where.provider === 'postgresql') {
    const pool = owned.add(openPool({ ...where.connection, maxConnections: 4 }));
    const queue = owned.add(new PostgresqlQueue({ ...common, pool, schema: killSchema }));
    return { queue, [Symbol.asyncDispose]: dispose };
  }
  const connections = owned.add(redisOptions({ addresses: [where] }).connections);
  await connections.connect();
  const queue = owned.add(new RedisQueue({ ...common, connections, keyPrefix: 'kill:' }));
  return { queue, [Symbol.asyncDispose]: dispose };
}

/**
 * Works on the queue until it is killed. While a piece of work is done, a lock of its name is held on a server, by the session of the
 * process: whoever finds it taken has found work that runs twice at once.
 */
async function work({ queue: where, locks, workers, doneFile }: KillOptions): Promise<void> {
  const { queue } = await openKilledQueue(where);
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (;;) {
        const client = new Client(locks);
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
            appendFileSync(doneFile, `${held.isLost ? 'lost' : 'done'} ${sql}\n`);
            await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [sql]);
            await queue.complete(lease);
          }
        } catch {
          // A server is down: it is tried again, as by an observer.
          await delay(50);
        } finally {
          await client.end().catch(() => undefined);
        }
      }
    }),
  );
}

if (require.main === module) void work(JSON.parse(process.argv[2] ?? '{}') as KillOptions);
