import { Client } from 'pg';
import { Tracking } from '../../src/freshness/tracking';
import { openPool } from '../../src/postgres/control-pool';
import { startPostgres } from '../../test/support/postgres-server';
import { median } from '../statistics';
import { say } from '../say';

export interface WriteOptions {
  readonly rows: number;
  readonly partitions: number;
  readonly rounds: number;
  readonly single: number;
}

export interface WriteMeasurement {
  readonly what: string;
  /** Milliseconds, medians of the rounds. */
  readonly untracked: number;
  readonly tracked: number;
}

const tables = ['untracked', 'tracked'] as const;
type Table = (typeof tables)[number];

/** What noting changes costs those who write, in bulk and row by row. */
export async function measureWrites({
  rows,
  partitions,
  rounds,
  single,
}: WriteOptions): Promise<readonly WriteMeasurement[]> {
  await using postgres = await startPostgres({
    settings: {
      fsync: 'on',
      full_page_writes: 'on',
      shared_buffers: '512MB',
      max_wal_size: '8GB',
      checkpoint_timeout: '1h',
      autovacuum: 'off',
      max_locks_per_transaction: 1024,
    },
  });
  const connection = postgres.connectionOptions(await postgres.createDatabase());
  const client = new Client(connection);
  await client.connect();
  try {
    await makeTables(client, partitions);
    await using pool = openPool({ ...connection, queryTimeoutMs: 600_000 });
    const tracking = new Tracking({ pool, schema: 'pcache', lockTimeoutMs: 1_000, attempts: 10 });
    const outcomes = await tracking.install(
      ['tracked', 'tracked_flat'].map((table) => ({ schema: 'public', table, keyColumn: 'region_id' })),
    );
    for (const { reason } of outcomes) if (reason !== undefined) throw new Error(reason);

    const insert = (table: Table): string =>
      `insert into ${table} select i, i % ${partitions}, i, 'text of row ' || i from generate_series(1, ${rows}) as i`;
    const fileRows = `select i, i % ${partitions}, i, 'text of row ' || i from generate_series(1, ${rows}) as i`;
    await client.query(`copy (${fileRows}) to '${postgres.dataDirectory}/rows.copy'`);
    const copy = (table: Table): string => `copy ${table} from '${postgres.dataDirectory}/rows.copy'`;
    return [
      await bulk(client, `INSERT of ${rows} rows into ${partitions} partitions`, rounds, insert),
      await bulk(client, `COPY of ${rows} rows into ${partitions} partitions`, rounds, copy),
      await bulk(
        client,
        `UPDATE of ${rows} rows in ${partitions} partitions`,
        rounds,
        (table) => `update ${table} set value = value + 1`,
        insert,
      ),
      await singles(client, 'single-row INSERT, synchronous_commit on', 'on', single),
      await singles(client, 'single-row INSERT, synchronous_commit off', 'off', single),
    ];
  } finally {
    await client.end();
  }
}

async function makeTables(client: Client, partitions: number): Promise<void> {
  for (const table of tables) {
    await client.query(
      `create table ${table} (id int, region_id int not null, value int, label text) partition by list (region_id)`,
    );
    await client.query(`do $$ begin for i in 0..${partitions - 1} loop
      execute format('create table ${table}_%s partition of ${table} for values in (%s)', i, i); end loop; end $$`);
    await client.query(`create table ${table}_flat (id int, region_id int not null, value int, label text);
      create index on ${table}_flat (id)`);
  }
}

/** Both tables take turns, and begin empty; which is first changes too. */
async function bulk(
  client: Client,
  what: string,
  rounds: number,
  statement: (table: Table) => string,
  before?: (table: Table) => string,
): Promise<WriteMeasurement> {
  const times: Record<Table, number[]> = { untracked: [], tracked: [] };
  for (let round = 0; round < rounds; round++) {
    for (const table of round % 2 === 0 ? tables : tables.toReversed()) {
      await client.query(`truncate ${table}`);
      if (before !== undefined) await client.query(before(table));
      await client.query('checkpoint');
      times[table].push(await timed(() => client.query(statement(table))));
    }
  }
  return told({ what, untracked: median(times.untracked), tracked: median(times.tracked) });
}

async function singles(
  client: Client,
  what: string,
  level: string,
  count: number,
): Promise<WriteMeasurement> {
  await client.query(`set synchronous_commit = ${level}`);
  const times: Record<Table, number[]> = { untracked: [], tracked: [] };
  for (let round = 0; round < 20; round++) {
    for (const table of round % 2 === 0 ? tables : tables.toReversed()) {
      const query = {
        name: `insert ${table}`,
        text: `insert into ${table}_flat values ($1, $2, $3, 'text')`,
        values: [round, round % 50, 7],
      };
      const all = await timed(async () => {
        for (let i = 0; i < count; i++) await client.query(query);
      });
      times[table].push(all / count);
    }
  }
  return told({ what, untracked: median(times.untracked), tracked: median(times.tracked) });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function told(measurement: WriteMeasurement): WriteMeasurement {
  const { what, untracked, tracked } = measurement;
  const percent = (tracked / untracked - 1) * 100;
  const [a, b] = [untracked, tracked].map((ms) => ms.toFixed(ms < 10 ? 3 : 0).padStart(9));
  say(
    `${what.padEnd(48)}${a ?? ''}${b ?? ''}${`${percent < 0 ? '' : '+'}${percent.toFixed(1)} %`.padStart(10)}`,
  );
  return measurement;
}
