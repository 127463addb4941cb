import { Client } from 'pg';
import type { CacheEntry } from '../../../src/cache/cache-backend';
import { entryOfRun } from '../../../src/population/run-entry';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import type { PartitionKeyType } from '../../../src/query/partition-key';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

/** A fragment that is known is run for keys it has not: none may be missing, whatever the type of its column, and however it ends. */
let server: PostgresServer;
let admin: Client;
let pool: ControlPool;
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startPostgres();
  const connection = server.connectionOptions(await server.createDatabase());
  admin = new Client(connection);
  await admin.connect();
  pool = openPool({ ...connection, maxConnections: 2 });
});
afterAll(async () => {
  await pool?.[Symbol.asyncDispose]();
  await admin?.end();
  await server?.stop();
});

const types: readonly (readonly [string, PartitionKeyType, string, string])[] = [
  ['int2', 'integer', '(-32768), (0)', '(0), (32767), (null)'],
  ['int4', 'integer', '(1), (2)', '(2147483647), (-1)'],
  ['int8', 'integer', '(9007199254740992)', '(9007199254740993), (-9223372036854775808)'],
  ['float4', 'float', `(0.1), ('NaN')`, `('-0'), ('Infinity'), (0.2)`],
  ['float8', 'float', `('-0'), (0.1::float4)`, `('NaN'), (0.1), (null)`],
  ['text', 'text', `('a'), ('')`, `('A'), ('a '), ('{}'), ('NULL'), ('é'), (null)`],
  ['varchar(5)', 'text', `('a'), ('b "')`, `('b'), (E'\\\\')`],
  ['date', 'timestamp', `('2020-01-01'), ('-infinity')`, `('2020-01-02'), ('infinity')`],
  ['timestamp', 'timestamp', `('2020-01-01 00:00:00.000001')`, `('2020-01-01'), (null)`],
  ['timestamptz', 'timestamp', `('2020-01-01 00:00+02')`, `('2020-01-01 00:00+01')`],
];

test.each(types)('%s: as if it were run whole', async (type, datatype, known, added) => {
  await admin.query(
    `drop table if exists visit; create table visit (k ${type}); insert into visit values ${known}`,
  );
  const fragment = makeFragment('select distinct t1.k from public.visit t1', { datatype });
  const source = new PostgresqlSource({ pool, timeoutMs: 20_000, maxKeys: 100 });
  const run = async (before?: CacheEntry): Promise<CacheEntry> => {
    const outcome = await source.run(fragment, never, before);
    if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
    return entryOfRun(fragment, outcome, { failuresBefore: 0, computeMs: 1, now: 0 });
  };
  const before = await run();
  await admin.query(`insert into visit values ${added}`);
  const [renewed, whole] = [await run(before), await run()];
  expect([...(renewed.keys?.values() ?? [])]).toEqual([...(whole.keys?.values() ?? [])]);
  expect(renewed.hasNullKey).toBe(whole.hasNullKey);
});

test('one that cannot be found whole leaves no entry with the old keys only', async () => {
  await admin.query(
    'drop table if exists visit; create table visit (k int); insert into visit values (1), (2)',
  );
  const fragment = makeFragment('select distinct t1.k from public.visit t1');
  const source = (maxKeys: number): PostgresqlSource =>
    new PostgresqlSource({ pool, timeoutMs: 20_000, maxKeys });
  const first = await source(10).run(fragment, never);
  if (first.status !== 'ok') throw new Error(JSON.stringify(first));
  const known = entryOfRun(fragment, first, { failuresBefore: 0, computeMs: 1, now: 0 });
  await admin.query('insert into visit select generate_series(1, 20)');
  const outcome = await source(10).run(fragment, never, known);
  expect(outcome).toMatchObject({ status: 'too_large' });
  if (outcome.status !== 'too_large') return;
  expect(entryOfRun(fragment, outcome, { failuresBefore: 0, computeMs: 1, now: 0 }).keys).toBeUndefined();
});
