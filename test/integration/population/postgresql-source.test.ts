import { Client } from 'pg';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import type { FragmentOutcome } from '../../../src/population/fragment-source';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import type { Fragment } from '../../../src/query/fragment/fragment';
import type { PartitionKeyType } from '../../../src/query/partition-key';
import { freePort } from '../../support/free-port';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

const never = new AbortController().signal;
const minInt8 = -(2n ** 63n);
const maxInt8 = 2n ** 63n - 1n;

let server: PostgresServer;
let database: string;
let admin: Client;
let pool: ControlPool;

beforeAll(async () => {
  server = await startPostgres();
  database = await server.createDatabase();
  admin = new Client(server.connectionOptions(database));
  await admin.connect();
  await admin.query(`
    create table place (place_id int primary key, region_id int, name text);
    insert into place select n, nullif(n % 100, 0), 'place ' || n from generate_series(1, 20000) as n;
    create schema other;
    create table other.region (region_id int);
    insert into other.region values (7);
  `);
  pool = openPool({ ...server.connectionOptions(database), maxConnections: 4 });
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await admin.end();
  await server.stop();
});

function run(
  fragment: Fragment,
  { timeoutMs = 20_000, maxKeys = 100_000, signal = never, maxTextBytes = 1_000_000 } = {},
): Promise<FragmentOutcome> {
  return new PostgresqlSource({ pool, timeoutMs, maxKeys, maxTextBytes }).run(fragment, signal);
}

async function keysOf(sql: string, datatype: PartitionKeyType, settings: Record<string, string> = {}) {
  const outcome = await run(makeFragment(sql, { datatype, settings }));
  if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
  return outcome.keys;
}

/** Runs that are on the server now: what is seen of them is the fetch from their cursor. */
async function activeRuns(): Promise<number> {
  const { rows } = await admin.query(
    `select count(*)::int as n from pg_stat_activity where query like '%fetch forward%' and state = 'active' and pid <> pg_backend_pid()`,
  );
  return rows[0].n;
}

describe('a run', () => {
  test.each([2 ** 31 - 1, 2 ** 31 - 2, 19_999.5])(
    'has any time a configuration may say: %d ms',
    async (timeoutMs) => {
      const fragment = makeFragment('select distinct t1.place_id from public.place t1 where t1.place_id < 3');
      expect(await run(fragment, { timeoutMs })).toMatchObject({ status: 'ok' });
    },
  );

  test('reads all keys, over several batches, and its snapshot', async () => {
    const outcome = await run(
      makeFragment('select distinct t1.place_id from public.place t1 where t1.place_id > 3000'),
    );
    expect(outcome).toMatchObject({
      status: 'ok',
      hasNullKey: false,
      snapshot: expect.stringMatching(/^\d+:\d+:/),
    });
    expect(outcome.status === 'ok' && new Set(outcome.keys)).toEqual(
      new Set(Array.from({ length: 17_000 }, (_, i) => BigInt(i + 3001))),
    );
  });

  test('tells a NULL key, and does not count it as a key', async () => {
    const outcome = await run(makeFragment('select distinct t1.region_id from public.place t1'), {
      maxKeys: 99,
    });
    expect(outcome).toMatchObject({ status: 'ok', hasNullKey: true });
    expect(outcome.status === 'ok' && outcome.keys).toHaveLength(99);
  });

  test('knows that there is none', async () => {
    expect(await run(makeFragment('select t1.region_id from public.place t1 where false'))).toMatchObject({
      status: 'ok',
      keys: [],
      hasNullKey: false,
    });
  });

  test('may end in a comment', async () => {
    expect(await keysOf('select 1 -- one', 'integer')).toEqual([1n]);
  });

  test('has more keys than allowed: too_large, nothing truncated', async () => {
    const all = makeFragment('select t1.place_id from public.place t1');
    expect(await run(all, { maxKeys: 19_999 })).toEqual({
      status: 'too_large',
      error: 'more than 19999 keys',
    });
    expect(await run(all, { maxKeys: 20_000 })).toMatchObject({ status: 'ok' });
  });

  test('has more text than allowed: too_large', async () => {
    const wide = makeFragment(`select repeat('x', 1000) || n from generate_series(1, 2000) n`, {
      datatype: 'text',
    });
    expect(await run(wide)).toMatchObject({ status: 'too_large', error: expect.stringContaining('bytes') });
  });

  test('takes too long: timeout, ended by the server, and on the server', async () => {
    const outcome = await run(makeFragment(`select 1 from (select pg_sleep(600)) as s`), {
      timeoutMs: 200,
    });
    expect(outcome).toMatchObject({ status: 'timeout', error: expect.stringContaining('statement timeout') });
    await until('it has ended on the server', async () => (await activeRuns()) === 0);
  });

  test('takes too long over many batches, each of them short: timeout all the same', async () => {
    const slow = makeFragment('select n from generate_series(1, 40000) n where pg_sleep(0.0001) is not null');
    const outcome = await run(slow, { timeoutMs: 1_000 });
    expect(outcome).toMatchObject({ status: 'timeout' });
  });

  test('is refused by the server: failed, with the message', async () => {
    expect(await run(makeFragment('select t1.nothing from public.place t1'))).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/column t1.nothing does not exist \(SQLSTATE 42703\)/),
    });
    expect(await run(makeFragment('select 1 / (t1.place_id - 1) from public.place t1'))).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('division by zero'),
    });
  });

  test('refuses: to write, and to run a second statement', async () => {
    await admin.query(
      'create or replace function scribble() returns int language sql as $$ insert into place values (-1) returning 1 $$',
    );
    expect(await run(makeFragment('select scribble()'))).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('read-only transaction'),
    });
    const smuggled = makeFragment('select 1) as f (key); commit; drop table place; select (1');
    expect(await run(smuggled)).toMatchObject({ status: 'failed' });
    expect((await admin.query('select count(*)::int as n from place')).rows).toEqual([{ n: 20_000 }]);
  });

  test('refuses: a column that is not of the datatype', async () => {
    expect(await run(makeFragment(`select 'abcd'::text`))).toEqual({
      status: 'failed',
      error: 'a key of datatype integer cannot be read from a column of the type with OID 25',
    });
  });

  test('leaves nothing behind: no transaction, no settings, no connection per run', async () => {
    const pid = () =>
      pool.execute('pid', `select pg_backend_pid() as pid, current_setting('TimeZone') as zone`);
    const before = await pid();
    for (let n = 0; n < 5; n++) await run(makeFragment('select 1', { settings: { TimeZone: 'Asia/Tokyo' } }));
    expect(await pid()).toEqual(before);
    await run(makeFragment('select nothing'));
    // The server takes a moment to notice that the connection of a failed run was closed.
    await until('no transaction is open', async () => {
      const open = `select 1 from pg_stat_activity where datname = $1 and state like 'idle in transaction%'`;
      return (await admin.query(open, [database])).rowCount === 0;
    });
  });
});

describe('keys come back exactly', () => {
  test('integers', async () => {
    expect(
      await keysOf(
        `values (-9223372036854775808), (9223372036854775807), (9007199254740993), (0)`,
        'integer',
      ),
    ).toEqual([minInt8, maxInt8, 9007199254740993n, 0n]);
    expect(await keysOf('values ((-32768)::int2), (32767::int2)', 'integer')).toEqual([-32768n, 32767n]);
    // The bytes of a domain are those of what it is made of.
    expect(await keysOf(`select unnest('{1,10}'::information_schema.cardinal_number[])`, 'integer')).toEqual([
      1n,
      10n,
    ]);
    expect(await keysOf('values (-2147483648), (2147483647)', 'integer')).toEqual([
      -2147483648n,
      2147483647n,
    ]);
  });

  test('floats, whatever extra_float_digits is', async () => {
    const values = `values (0.1::float8), ('-0'), (1e308), (5e-324), ('NaN'), ('Infinity'), ('-Infinity'), (0.30000000000000004)`;
    const expected = [0.1, 0, 1e308, 5e-324, NaN, Infinity, -Infinity, 0.30000000000000004];
    for (const digits of ['-15', '0', '3']) {
      const keys = await keysOf(values, 'float', { extra_float_digits: digits });
      expect(keys).toEqual(expected);
      expect(Object.is(keys[1], 0)).toBe(true);
    }
  });

  test('float4 as the float8 it is equal to', async () => {
    const [key] = await keysOf('select 0.1::float4', 'float');
    expect(key).toBe(Math.fround(0.1));
    const { rows } = await admin.query('select 0.1::float4 = $1::float8 as same', [key]);
    expect(rows).toEqual([{ same: true }]);
  });

  test('text: quotes, backslashes, line ends, any script, blanks', async () => {
    const texts = [`it's`, 'a\\b', 'a\nb', '', ' ', 'Zürich', '東京', '🏙', 'a"b,{c}', 'NULL'];
    const list = texts.map((text) => `(${admin.escapeLiteral(text)}::text)`).join(', ');
    expect(await keysOf(`values ${list}`, 'text')).toEqual(texts);
    expect(await keysOf(`values ('é'::varchar)`, 'text', { client_encoding: 'LATIN1' })).toEqual(['é']);
  });

  test.each(['ISO, MDY', 'SQL, DMY', 'German, DMY', 'Postgres, MDY'])(
    'timestamps under DateStyle %s',
    async (style) => {
      const keys = await keysOf(
        `values (timestamp '2000-01-01'), ('2024-02-03 04:05:06.789012'), ('1999-12-31 23:59:59.999999'), ('infinity'), ('-infinity'), ('4714-11-24 BC'), ('294276-12-31')`,
        'timestamp',
        { DateStyle: style },
      );
      expect(keys.slice(0, 5)).toEqual([0n, 760248306789012n, -1n, maxInt8, minInt8]);
      const { rows } = await admin.query(
        `select array_agg((extract(epoch from t - '2000-01-01'::timestamp) * 1000000)::int8::text) as us
         from (values (timestamp '4714-11-24 BC'), ('294276-12-31')) v (t)`,
      );
      expect(keys.slice(5).map(String)).toEqual(rows[0].us);
    },
  );

  test('timestamptz and date', async () => {
    expect(
      await keysOf(`select timestamptz '2000-01-01 00:00:00+00'`, 'timestamp', { TimeZone: 'Asia/Tokyo' }),
    ).toEqual([0n]);
    expect(await keysOf(`values (date '2000-01-02'), ('infinity'), ('-infinity')`, 'timestamp')).toEqual([
      86_400_000_000n,
      maxInt8,
      minInt8,
    ]);
  });

  test('refuses: text that is not UTF-8, of a SQL_ASCII database', async () => {
    await admin.query(`create database ascii_only template template0 encoding 'SQL_ASCII' locale 'C'`);
    await using ascii = openPool(server.connectionOptions('ascii_only'));
    const source = new PostgresqlSource({ pool: ascii, timeoutMs: 10_000, maxKeys: 10 });
    const fragment = makeFragment(`select convert_from('\\xe9'::bytea, 'SQL_ASCII')`, { datatype: 'text' });
    expect(await source.run(fragment, never)).toMatchObject({ status: 'failed' });
  });
});

describe('settings', () => {
  test.each([
    ['DateStyle', 'SQL, DMY', `select extract(month from '02/03/2024'::date)::int`, 3n],
    ['DateStyle', 'SQL, MDY', `select extract(month from '02/03/2024'::date)::int`, 2n],
    ['TimeZone', 'Asia/Tokyo', `select extract(hour from timestamptz '2024-01-01 00:00:00+00')::int`, 9n],
    ['search_path', 'other', 'select region_id from region', 7n],
    ['standard_conforming_strings', 'off', `select length('a\\\\b')`, 3n],
    ['IntervalStyle', 'sql_standard', `select extract(hour from interval '-1 2:03:04')::int`, -2n],
    ['app.tenant', `it's 5`, `select length(current_setting('app.tenant'))`, 6n],
  ])('%s = %s is in force', async (name, value, sql, key) => {
    expect(await keysOf(sql, 'integer', { [name]: value })).toEqual([key]);
  });

  test('an operator and functions of the same names on the search_path are not what runs', async () => {
    await admin.query(`
      create schema evil;
      create function evil.encode(bytea, text) returns text language sql as $$ select 'evil' $$;
      create function evil.set_config(text, text, boolean) returns text language sql as $$ select 'evil' $$;
      create function evil.lower(text) returns text language sql as $$ select 'evil' $$;
    `);
    const settings = { search_path: 'evil, pg_catalog', work_mem: '65536' };
    expect(await keysOf('select 5', 'integer', settings)).toEqual([5n]);
  });

  test('a value with or without its unit is the same', async () => {
    expect(await keysOf('select 1', 'integer', { work_mem: '65536' })).toEqual([1n]);
    expect(await keysOf('select 1', 'integer', { work_mem: '64MB' })).toEqual([1n]);
  });

  test('refuses: a value the server made something else of', async () => {
    const fragment = makeFragment('select 1', { settings: { DateStyle: 'German' } });
    expect(await run(fragment)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining("setting DateStyle became 'German, "),
    });
  });

  test('refuses: a setting that does not exist, or that may not be set', async () => {
    expect(await run(makeFragment('select 1', { settings: { no_such_setting: '1' } }))).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('no_such_setting'),
    });
    expect(await run(makeFragment('select 1', { settings: { max_connections: '5' } }))).toMatchObject({
      status: 'failed',
    });
  });

  test('refuses: a schema the role may not use, and whose functions a client may have meant', async () => {
    await admin.query(`
      create role narrow login password 'sesame';
      create schema "its ""own";
      create function "its ""own".five() returns int immutable language sql as $$ select 5 $$;
      create schema tables_only;
      create table tables_only.t (a int);
      create function public.five() returns int immutable language sql as $$ select 6 $$`);
    await using narrow = openPool({
      ...server.connectionOptions(database),
      ...{ user: 'narrow', password: 'sesame', maxConnections: 1 },
    });
    const source = new PostgresqlSource({ pool: narrow, timeoutMs: 20_000, maxKeys: 10 });
    const fiveIn = (schema: string): Promise<FragmentOutcome> => {
      const settings = { search_path: `"pg_catalog", ${schema}, "public"` };
      return source.run(makeFragment('select five()', { settings }), never);
    };
    expect(await fiveIn('"its ""own"')).toEqual({
      status: 'failed',
      error: expect.stringContaining('may not use the schema'),
    });
    expect(await fiveIn('"tables_only"')).toMatchObject({ status: 'ok', keys: [6n] });
    await admin.query('grant usage on schema "its ""own" to narrow');
    expect(await fiveIn('"its ""own"')).toMatchObject({ status: 'ok', keys: [5n] });
  });

  test('a statement_timeout among them does not cut the run short', async () => {
    const settings = { statement_timeout: '200' };
    expect(await keysOf('select 1 from (select pg_sleep(0.5)) s', 'integer', settings)).toEqual([1n]);
  });
});

describe('trouble', () => {
  test('an abort ends the run on the server', async () => {
    const controller = new AbortController();
    const running = run(makeFragment('select 1 from (select pg_sleep(600)) as s'), {
      signal: controller.signal,
    });
    await until('the fragment runs', async () => (await activeRuns()) === 1);
    controller.abort();
    expect(await running).toEqual({ status: 'aborted' });
    expect(await activeRuns()).toBe(0);
  });

  test('an abort before the start runs nothing', async () => {
    expect(await run(makeFragment('select 1'), { signal: AbortSignal.abort() })).toEqual({
      status: 'aborted',
    });
  });

  test('a connection terminated in mid-run: unavailable, and it had started', async () => {
    const running = run(makeFragment('select 1 from (select pg_sleep(600)) as s'));
    await until('the fragment runs', async () => (await activeRuns()) === 1);
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like '%fetch forward%' and pid <> pg_backend_pid()`,
    );
    expect(await running).toMatchObject({ status: 'unavailable', hasStarted: true });
    expect(await run(makeFragment('select 1'))).toMatchObject({ status: 'ok' });
  });

  test('no privilege: failed, and the grant is named', async () => {
    await admin.query('drop role if exists nobody');
    const { password } = server.connectionOptions(database);
    await admin.query(`create role nobody login password '${password}'`);
    await using poor = openPool({ ...server.connectionOptions(database), user: 'nobody' });
    const source = new PostgresqlSource({ pool: poor, timeoutMs: 5_000, maxKeys: 10 });
    const fragment = makeFragment('select distinct t1.region_id from public.place t1', {
      conjuncts: [{ template: 'x', slots: [0], reads: ['other.region'] }],
    });
    expect(await source.run(fragment, never)).toEqual({
      status: 'failed',
      error: expect.stringMatching(
        /permission denied for table place \(SQLSTATE 42501\); it takes GRANT SELECT ON public.place, other.region TO the control role$/,
      ),
    });
  });

  test('no server: unavailable, and it had not started', async () => {
    await using nowhere = openPool({ host: '127.0.0.1', port: await freePort(), database: 'd', user: 'u' });
    const source = new PostgresqlSource({ pool: nowhere, timeoutMs: 1_000, maxKeys: 10 });
    expect(await source.run(makeFragment('select 1'), never)).toMatchObject({
      status: 'unavailable',
      hasStarted: false,
      error: expect.stringContaining('as u'),
    });
  });
});

test('all of a run is read in one snapshot', async () => {
  await admin.query('create table counter (n int); insert into counter values (1)');
  const running = run(
    makeFragment(`select n from public.counter where n > 0 and (select pg_sleep(0.5) is not null)`),
  );
  await until('the fragment runs', async () => (await activeRuns()) === 1);
  const { rows } = await admin.query('update counter set n = 2 returning pg_current_xact_id()::text as xid');
  const outcome = await running;
  expect(outcome).toMatchObject({ status: 'ok', keys: [1n] });
  const snapshot = outcome.status === 'ok' ? outcome.snapshot : '';
  const seen = await admin.query('select pg_visible_in_snapshot($1::xid8, $2::pg_snapshot) as seen', [
    rows[0].xid,
    snapshot,
  ]);
  expect(seen.rows).toEqual([{ seen: false }]);
});
