import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Tracking } from '../../src/freshness/tracking';
import { openPool } from '../../src/postgres/control-pool';
import { startPostgres } from '../../test/support/postgres-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { BenchProxy } from '../bench-proxy';
import { say } from '../say';

/** An hour at this rate is what is stood for. */
const [hourSeconds, writesPerSecond] = [3_600, 500];
/** Of one transaction: as many rows, of as many regions. */
const rowsPerTransaction = 10;
const clients = 4;

/** The change log while clients write and a proxy compacts it. */
export interface LogSize {
  readonly seconds: number;
  readonly writes: number;
  /** Of each tenth of the run, the most there was: rows, and bytes on disk. */
  readonly rows: readonly number[];
  readonly bytes: readonly number[];
}

/**
 * An hour of 500 writes a second in less: as many writes, each of a key of its own, at `speedUp` times the rate, while the proxy looks after the
 * log and the server vacuums as many times as often.
 */
export async function measureLogSize(speedUp: number): Promise<LogSize> {
  await using postgres = await startPostgres({
    settings: { shared_buffers: '512MB', autovacuum_naptime: `${Math.max(1, Math.round(60 / speedUp))}s` },
  });
  await using directory = await temporaryDirectory('bench-log');
  const connection = postgres.connectionOptions(await postgres.createDatabase());
  const admin = new Client(connection);
  await admin.connect();
  const writers = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = new Client(connection);
      await client.connect();
      return client;
    }),
  );
  try {
    await admin.query(`create table visit (id int primary key, region_id int not null, x int not null);
      insert into visit select i, i, 0 from generate_series(1, 100000) i`);
    await using pool = openPool(connection);
    const tracking = new Tracking({ pool, schema: 'pcache', lockTimeoutMs: 1_000, attempts: 10 });
    const [outcome] = await tracking.install([{ schema: 'public', table: 'visit', keyColumn: 'region_id' }]);
    if (outcome?.reason !== undefined) throw new Error(outcome.reason);
    await using _proxy = await BenchProxy.start(
      connection,
      directory,
      'exact',
      { cache: { backend: 'memory' }, freshness: { check_ms: Math.max(100, Math.round(1_000 / speedUp)) } },
      {
        partition_keys: {
          region: { datatype: 'integer', consistency: 'exact', tables: { 'public.visit': 'region_id' } },
        },
      },
    );
    const seconds = hourSeconds / speedUp;
    const perSecond = (writesPerSecond * speedUp) / rowsPerTransaction / clients;
    const end = performance.now() + seconds * 1_000;
    const rows = Array<number>(10).fill(0);
    const bytes = Array<number>(10).fill(0);
    const writing = writers.map((client, i) => write(client, i, perSecond, end));
    for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
      const tenth = Math.min(9, Math.floor(10 * (1 - left / (seconds * 1_000))));
      const { rows: found } = await admin.query<{ rows: number; bytes: number }>(
        `select count(*)::int as rows, pg_total_relation_size('pcache.change_integer')::int as bytes from pcache.change_integer`,
      );
      rows[tenth] = Math.max(rows[tenth] ?? 0, found[0]?.rows ?? 0);
      bytes[tenth] = Math.max(bytes[tenth] ?? 0, found[0]?.bytes ?? 0);
      await delay(1_000);
    }
    const writes = (await Promise.all(writing)).reduce((sum, count) => sum + count, 0);
    say(
      `change log, ${writes} writes in ${seconds} s: at most ${Math.max(...rows)} rows and ${(Math.max(...bytes) / 1e6).toFixed(1)} MB; ` +
        `MB in each tenth of the time: ${bytes.map((each) => (each / 1e6).toFixed(1)).join(' ')}`,
    );
    return { seconds, writes, rows, bytes };
  } finally {
    await Promise.all([admin, ...writers].map((client) => client.end()));
  }
}

/** Transactions at a rate, as long as it can be kept; resolves to the rows written. */
async function write(client: Client, at: number, perSecond: number, end: number): Promise<number> {
  const startedAt = performance.now();
  let transactions = 0;
  while (performance.now() < end) {
    const first = ((transactions * clients + at) * rowsPerTransaction) % 100_000;
    await client.query({
      name: 'write',
      text: 'update visit set x = x + 1 where id between $1 and $2',
      values: [first + 1, first + rowsPerTransaction],
    });
    transactions++;
    const dueMs = startedAt + (transactions / perSecond) * 1_000 - performance.now();
    if (dueMs > 0) await delay(dueMs);
  }
  return transactions * rowsPerTransaction;
}
