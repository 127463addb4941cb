import { Client } from 'pg';
import { Tracking } from '../../src/freshness/tracking';
import { openPool } from '../../src/postgres/control-pool';
import { type ConnectionOptions, startPostgres } from '../../test/support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../test/support/temporary-directory';
import { until } from '../../test/support/until';
import { BenchProxy } from '../bench-proxy';
import { median, quantile } from '../statistics';
import { say } from '../say';

/** Regions of the plain table, with 200 rows each, and of the one that has a partition for each region, with 500. */
const [regions, partitions] = [10_000, 1_000];
const changed = 100;

/** What is asked for: rows of a rare kind and others of their region, for few and for many regions. */
const questions = {
  'few keys of many': { table: 'visit', kind: 1 },
  'a tenth of the keys': { table: 'visit', kind: 2 },
  'a partition for each key': { table: 'divided', kind: 1 },
} as const;
type Question = keyof typeof questions;
const sides = ['direct', 'static', 'exact'] as const;
type Side = (typeof sides)[number];

/** Milliseconds. */
export interface ReadMeasurement {
  readonly question: Question;
  /** Keys that have changed, and that no entry has seen. */
  readonly changed: number;
  readonly medians: Readonly<Record<Side, number>>;
  readonly p99: Readonly<Record<Side, number>>;
  /** Medians of the ratios of one to the other, next to each other in time. */
  readonly exactToStatic: number;
}

/** The same statements where the data is promised not to change and where it may, with an empty change log and with changes nobody has seen. */
export async function measureReads(runs: number): Promise<readonly ReadMeasurement[]> {
  await using postgres = await startPostgres({
    settings: { shared_buffers: '1GB', autovacuum: 'off', max_locks_per_transaction: 1024 },
  });
  await using directory = await temporaryDirectory('bench-exact');
  const connection = postgres.connectionOptions(await postgres.createDatabase());
  const client = new Client(connection);
  await client.connect();
  try {
    await fill(client);
    await track(connection);
    await using proxies = await Proxies.start(connection, directory);
    for (const question of names) await proxies.teach(sqlOf(question));
    const before = await compare(proxies, runs, 0);
    for (const table of ['visit', 'divided'])
      await client.query(
        `update ${table} set x = x where id in (select min(id) from ${table} where region_id % ${partitions / changed} = 3 group by region_id order by region_id limit ${changed})`,
      );
    const after = await compare(proxies, runs, changed);
    return [...before, ...after];
  } finally {
    await client.end();
  }
}

const names = Object.keys(questions) as readonly Question[];

function sqlOf(question: Question): string {
  const { table, kind } = questions[question];
  return `select count(*), max(b.x) from ${table} a join ${table} b on a.region_id = b.region_id
    where a.kind = ${kind} and b.kind between 50 and 60 and a.id <> b.id`;
}

async function fill(client: Client): Promise<void> {
  const columns = '(id int not null, region_id int not null, kind int not null, x float8 not null)';
  await client.query(`create table visit ${columns}`);
  await client.query(`create table divided ${columns} partition by list (region_id)`);
  await client.query(`do $$ begin for i in 0..${partitions - 1} loop
    execute format('create table divided_%s partition of divided for values in (%s)', i, i); end loop; end $$`);
  const kinds = `case when j = 0 and region % 500 = 0 then 1 when j = 1 and region % 10 = 0 then 2 else 3 + j end`;
  const rows = (count: number, each: number): string =>
    `select region * ${each} + j, region, ${kinds}, j / 7.0 from generate_series(0, ${count - 1}) region, generate_series(0, ${each - 1}) j`;
  await client.query(`insert into visit ${rows(regions, 200)}`);
  await client.query(`insert into divided ${rows(partitions, 500)}`);
  await client.query('create index on visit (region_id)');
  await client.query('vacuum analyze visit');
  await client.query('vacuum analyze divided');
}

async function track(connection: ConnectionOptions): Promise<void> {
  await using pool = openPool({ ...connection, queryTimeoutMs: 600_000 });
  const tracking = new Tracking({ pool, schema: 'pcache', lockTimeoutMs: 1_000, attempts: 10 });
  const outcomes = await tracking.install(
    ['visit', 'divided'].map((table) => ({ schema: 'public', table, keyColumn: 'region_id' })),
  );
  for (const { reason } of outcomes) if (reason !== undefined) throw new Error(reason);
}

/** One server, reached directly and through two proxies. */
class Proxies implements AsyncDisposable {
  private constructor(
    private readonly clients: Readonly<Record<Side, Client>>,
    private readonly proxies: readonly BenchProxy[],
  ) {}

  static async start(upstream: ConnectionOptions, directory: TemporaryDirectory): Promise<Proxies> {
    const proxies = await Promise.all(
      (['static', 'exact'] as const).map((consistency) =>
        BenchProxy.start(
          upstream,
          directory,
          consistency,
          {
            cache: { backend: 'memory' },
            population: { min_query_ms: 0, duty: 1 },
            // Otherwise what has changed would not stay unseen for long.
            freshness: { refresh_changes: 1_000_000 },
          },
          {
            partition_keys: {
              region: {
                ...{ datatype: 'integer', consistency, method: 'inline' },
                tables: { 'public.visit': 'region_id', 'public.divided': 'region_id' },
              },
            },
          },
        ),
      ),
    );
    const open = async (connection: ConnectionOptions): Promise<Client> => {
      const client = new Client(connection);
      await client.connect();
      return client;
    };
    const [promised, exact] = proxies.map((proxy) => proxy.connection);
    if (promised === undefined || exact === undefined) throw new Error('two proxies were started');
    const clients = { direct: await open(upstream), static: await open(promised), exact: await open(exact) };
    return new Proxies(clients, proxies);
  }

  async ask(side: Side, sql: string): Promise<{ readonly ms: number; readonly rows: string }> {
    const startedAt = performance.now();
    const { rows } = await this.clients[side].query<unknown[]>({ text: sql, rowMode: 'array' });
    return { ms: performance.now() - startedAt, rows: JSON.stringify(rows) };
  }

  async teach(sql: string): Promise<void> {
    for (const side of ['static', 'exact'] as const)
      await until(
        `${side} to restrict`,
        async () => {
          await this.ask(side, sql);
          const { rows } = await this.clients[side].query<unknown[]>({
            text: `explain ${sql}`,
            rowMode: 'array',
          });
          return /region_id = ANY/.test(JSON.stringify(rows));
        },
        { deadlineMs: 120_000, everyMs: 200 },
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of sides) await this.clients[side].end();
    for (const proxy of this.proxies) await proxy[Symbol.asyncDispose]();
  }
}

/** All sides in turns, so that whatever else the machine does disturbs all alike. */
async function compare(
  proxies: Proxies,
  runs: number,
  changedKeys: number,
): Promise<readonly ReadMeasurement[]> {
  const measurements: ReadMeasurement[] = [];
  for (const question of names) {
    const sql = sqlOf(question);
    const times: Record<Side, number[]> = { direct: [], static: [], exact: [] };
    const ratios: number[] = [];
    for (let run = 0; run < runs; run++) {
      const isDirectAsked = run % 10 === 0;
      const pair = run % 2 === 0 ? (['static', 'exact'] as const) : (['exact', 'static'] as const);
      const answers = { ...(isDirectAsked ? { direct: await proxies.ask('direct', sql) } : {}) } as Record<
        Side,
        Awaited<ReturnType<Proxies['ask']>> | undefined
      >;
      for (const side of pair) answers[side] = await proxies.ask(side, sql);
      const rows = new Set(Object.values(answers).map((answer) => answer?.rows));
      if (rows.size !== 1) throw new Error(`${question}: ${[...rows].join(' or ')}`);
      for (const side of sides) {
        const { ms } = answers[side] ?? {};
        if (ms !== undefined) times[side].push(ms);
      }
      ratios.push((answers.exact?.ms ?? NaN) / (answers.static?.ms ?? NaN));
    }
    const each = (of: (sorted: readonly number[]) => number): Record<Side, number> => ({
      direct: of([...times.direct].sort((a, b) => a - b)),
      static: of([...times.static].sort((a, b) => a - b)),
      exact: of([...times.exact].sort((a, b) => a - b)),
    });
    const medians = each(median);
    const exactToStatic = median(ratios);
    const p99 = each((sorted) => quantile(sorted, 0.99));
    measurements.push({ question, changed: changedKeys, medians, p99, exactToStatic });
    const cells = sides.map((side) => `${side} ${medians[side].toFixed(2)}`.padStart(16)).join('');
    say(
      `${question.padEnd(28)}${String(changedKeys).padStart(5)} changed${cells}   ${exactToStatic >= 1 ? '+' : ''}${((exactToStatic - 1) * 100).toFixed(1)} %`,
    );
  }
  return measurements;
}
