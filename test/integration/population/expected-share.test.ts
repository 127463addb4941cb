import { Client } from 'pg';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import { sampleEntry } from '../../support/cache-entries';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

/** A fragment is not run if by the statistics it has most keys however its condition and the key hang together. */
let server: PostgresServer;
let admin: Client;
let pool: ControlPool;
let source: PostgresqlSource;
const never = new AbortController().signal;

beforeAll(async () => {
  server = await startPostgres();
  const database = await server.createDatabase();
  admin = new Client(server.connectionOptions(database));
  await admin.connect();
  await admin.query(`
    create table place (id int primary key, region_id int, name text) with (autovacuum_enabled = false);
    insert into place select n, n % 200, 'place ' || n from generate_series(1, 20000) as n;
    create table skewed (id int, region_id int, kind text) with (autovacuum_enabled = false);
    insert into skewed select n, case when n <= 14000 then 1 else n % 200 end, case when n <= 14000 then 'big' else 'small' end
      from generate_series(1, 20000) as n;
    create table unplaced (id int, region_id int) with (autovacuum_enabled = false);
    insert into unplaced select n, case when n > 14000 then n % 200 end from generate_series(1, 20000) as n;
    create table parted (id int, region_id int) partition by range (id);
    create table parted_low partition of parted for values from (0) to (10001);
    create table parted_high partition of parted for values from (10001) to (20001);
    insert into parted select n, n % 200 from generate_series(1, 20000) as n;
    create table unknown (id int, region_id int) with (autovacuum_enabled = false);
    insert into unknown select n, n % 200 from generate_series(1, 20000) as n;
    analyze place, skewed, unplaced, parted`);
  pool = openPool({
    ...server.connectionOptions(database),
    maxConnections: 1,
    settings: { max_parallel_workers_per_gather: '0' },
  });
  source = new PostgresqlSource({
    ...{ pool, timeoutMs: 20_000, maxKeys: 1_000 },
    shareLimitOf: () => ({ maxShare: 0.5, totalKeys: 200 }),
  });
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await admin.end();
  await server.stop();
});

const fragmentOn = (name: string, condition: string, settings: Record<string, string> = {}) =>
  makeFragment(`SELECT DISTINCT t1.region_id FROM public.${name} t1 WHERE ${condition}`, {
    tables: [{ schema: 'public', name, only: false, keyColumn: 'region_id' }],
    settings,
  });

test.each([
  ['nearly all rows', 'place', 'id > 100'],
  ['nearly all rows, by an index', 'place', `name <> 'place 1' and id between 1 and 19000`],
  ['more rows than the common keys have', 'skewed', 'id > 100'],
  ['nearly all rows of all partitions', 'parted', 'id > 100'],
])('is not run: %s', async (_, name, condition) => {
  expect(await source.run(fragmentOn(name, condition), never)).toEqual({
    status: 'too_large',
    error: expect.stringMatching(
      /^not run: by its estimate it has at least \d+ % of all keys, which is more than max_key_share$/,
    ),
  });
});

test.each([
  ['few rows', 'place', 'id <= 2000', 200],
  ['most rows, which may all be of one key', 'skewed', `kind = 'big'`, 1],
  ['most rows, which may all be without a key', 'unplaced', 'region_id is null', 0],
  ['a table of which nothing is known', 'unknown', 'id > 100', 200],
  ['less than half of all partitions', 'parted', 'id > 12000', 200],
])('is run: %s', async (_, name, condition, keys) => {
  const outcome = await source.run(fragmentOn(name, condition), never);
  expect(outcome).toMatchObject({ status: 'ok' });
  expect(outcome.status === 'ok' && outcome.keys.length).toBe(keys);
});

test('is run: a join, whose rows are anybody’s guess', async () => {
  const fragment = makeFragment(
    'SELECT DISTINCT t1.region_id FROM public.place t1, public.skewed t2 WHERE t1.region_id = t2.region_id',
    {
      tables: ['place', 'skewed'].map((name) => ({
        ...{ schema: 'public', name, only: false, keyColumn: 'region_id' },
      })),
    },
  );
  expect(await source.run(fragment, never)).toMatchObject({ status: 'ok' });
});

test('is run: one that has an entry, which is brought up to date', async () => {
  const fragment = fragmentOn('place', 'id > 100');
  const entry = { ...sampleEntry(createKeySet('integer', [1n])), fragment };
  expect(await source.run(fragment, never, entry)).toMatchObject({ status: 'ok' });
});

test('the settings of the fragment are no way to another operator', async () => {
  await admin.query(`
    create schema trap;
    create function trap.wrong(text, text) returns boolean language sql immutable as 'select false';
    create operator trap.= (leftarg = text, rightarg = text, function = trap.wrong)`);
  const fragment = fragmentOn('place', 'id > 100', { search_path: 'trap, pg_catalog' });
  expect(await source.run(fragment, never)).toMatchObject({ status: 'too_large' });
});
