import type { Client } from 'pg';
import { LogWatch } from '../../../src/freshness/log-watch';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { TrackedDatabase, type Stamp } from '../../support/tracked-database';

const setUp = `
  create table place (id serial, region_id int, population int);
  insert into place (region_id, population) select i % 50, i from generate_series(1, 1000) i;
  create index on place (region_id);
  create table reading (region_id int, note text);
  insert into reading select i % 50, 'r' || i from generate_series(1, 200) i;
  create table typed (id int, i2 int2, i8 int8, f4 float4, f8 float8, t text, v varchar(2000), d date, ts timestamp, tz timestamptz);
  create role reader;
  grant select on place, reading to reader;
`;
const place = { 'public.place': 'region_id' };
const both = { ...place, 'public.reading': 'region_id' };
const condition = 'p.population > 990';

describeVersions('keys kept fresh in a statement', (binaries) => {
  let server: PostgresServer;
  let database: TrackedDatabase;
  let writer: Client;
  beforeAll(async () => {
    server = await startPostgres({ binaries, settings: { max_prepared_transactions: 5 } });
    database = await TrackedDatabase.open(server, setUp);
    await database.track(both);
    writer = await database.connect();
  });
  afterAll(async () => {
    await writer?.end();
    await database?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  /** The keys an entry would have, and its stamp: as population makes them, in one REPEATABLE READ transaction. */
  async function learn(): Promise<{ keys: string; stamp: Stamp }> {
    const client = await database.connect();
    await client.query('begin isolation level repeatable read read only');
    const stamp = await database.stamp(place, client);
    const { rows } = await client.query(
      `select coalesce(array_agg(distinct region_id), '{}')::text as keys from place p where ${condition}`,
    );
    await client.query('commit');
    await client.end();
    const [{ keys }] = rows as [{ keys: string }];
    return { keys: `'${keys}'::pg_catalog.int4[]`, stamp };
  }

  const restricted = ({ keys, stamp }: { keys: string; stamp: Stamp }, reads: number[] = []): string => {
    const all = { table: '"public"."place"', column: 'region_id' };
    return `p.region_id operator(pg_catalog.=) any (${database.freshKeys(keys, 'int4', stamp, all, reads)})`;
  };

  /** The rows with and without the restriction, in one statement and hence one snapshot; and the keys it lets through. */
  async function look(
    client: Client,
    entry: { keys: string; stamp: Stamp },
    reads: number[] = [],
  ): Promise<{ same: boolean; passing: number; rows: number }> {
    const ids = (where: string): string =>
      `(select coalesce(array_agg(p.id order by p.id), '{}') from public.place p where ${condition} and ${where})`;
    const { rows } = await client.query(
      `select ${ids('true')} = ${ids(`(${restricted(entry, reads)} or p.region_id is null)`)} as same,
              cardinality(${ids('true')}) as rows,
              (select count(distinct p.region_id)::int from public.place p where ${restricted(entry, reads)}) as passing`,
    );
    return rows[0] as { same: boolean; passing: number; rows: number };
  }

  test('known keys, and nothing else while nothing changes', async () => {
    const entry = await learn();
    expect(await look(database.client, entry)).toEqual({ same: true, passing: 10, rows: 10 });
    const { rows } = await database.client.query(
      `explain (costs off) select * from place p where ${restricted(entry)}`,
    );
    const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
    expect(plan).toMatch(/One-Time Filter: \(\(pg_my_temp_schema\(\) IS NOT NULL\) AND /);
    expect(plan).toMatch(/Index Cond: \(region_id = ANY \(/);
  });

  test('no workers are started for the scan of all keys, which is hardly ever run', async () => {
    const entry = await learn();
    const client = await database.connect();
    await client.query(`set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
      set enable_indexscan = off; set enable_bitmapscan = off; set max_parallel_workers_per_gather = 2`);
    const planOf = async (sql: string): Promise<string> => {
      const { rows } = await client.query(`explain (costs off) ${sql}`);
      return rows.map((row) => String(row['QUERY PLAN'])).join('\n');
    };
    const direct = 'select p.region_id from place p';
    expect(await planOf(`select distinct region_id from (${direct}) as all_keys`)).toContain('Gather');
    const plan = await planOf(`${direct} where ${restricted(entry)}`);
    // The lines of the array's own plan: those further in.
    const [, ofKeys = ''] = /InitPlan.*\n((?: {4}.*\n)+)/.exec(plan) ?? [];
    expect(ofKeys).toContain('Seq Scan on place t');
    expect(ofKeys).not.toContain('Gather');
    await client.end();
  });

  test.each(['read committed', 'repeatable read', 'serializable'])(
    'own writes are seen, and those of others as the isolation level has it: %s',
    async (level) => {
      const { client } = database;
      const entry = await learn();
      await client.query(`begin isolation level ${level}`);
      expect(await look(client, entry)).toMatchObject({ same: true, passing: 10 });
      await writer.query('begin; insert into place (region_id, population) values (3, 2000)');
      expect(await look(client, entry)).toMatchObject({ same: true, passing: 10, rows: 10 });
      await writer.query('commit');
      const isSeen = level === 'read committed';
      expect(await look(client, entry)).toMatchObject({
        same: true,
        passing: isSeen ? 11 : 10,
        rows: isSeen ? 11 : 10,
      });
      await client.query('savepoint a; update place set population = 3000 where region_id = 20');
      expect(await look(client, entry)).toMatchObject({ same: true, passing: isSeen ? 12 : 11 });
      await client.query('rollback to a');
      expect(await look(client, entry)).toMatchObject({ same: true, passing: isSeen ? 11 : 10 });
      await client.query('rollback');
      expect(await look(client, entry)).toMatchObject({ same: true, passing: 11, rows: 11 });
      await writer.query('delete from place where population = 2000');
    },
  );

  test('an entry newer than the transaction lets every key through', async () => {
    const { client } = database;
    await client.query('begin isolation level repeatable read');
    await client.query('select 1 from place limit 1');
    await writer.query('update place set population = 0 where id = 1000');
    const entry = await learn();
    expect(await look(client, entry)).toEqual({ same: true, passing: 50, rows: 10 });
    await client.query('commit');
    expect(await look(client, entry)).toMatchObject({ same: true, passing: 9, rows: 9 });
    await writer.query('update place set population = 1000 where id = 1000');
  });

  test('an exported snapshot, and a cursor, are as old as they are', async () => {
    const { client } = database;
    await client.query('begin isolation level repeatable read');
    const { rows } = await client.query('select pg_export_snapshot() as name');
    const before = await learn();
    const cursor = await database.connect();
    await cursor.query(
      `begin; declare c cursor for select p.id from place p where ${condition} and ${restricted(before)}`,
    );
    await writer.query(
      'update place set population = 0 where id = 1000; insert into place (region_id, population) values (4, 5000)',
    );
    const entry = await learn();
    const other = await database.connect();
    await other.query(`begin isolation level repeatable read; set transaction snapshot '${rows[0].name}'`);
    expect(await look(other, entry)).toEqual({ same: true, passing: 50, rows: 10 });
    expect((await cursor.query('fetch all from c')).rowCount).toBe(10);
    expect(await look(cursor, entry)).toMatchObject({ same: true, rows: 10 });
    await Promise.all([other.end(), cursor.end(), client.query('commit')]);
    await writer.query(
      'delete from place where population = 5000; update place set population = 1000 where id = 1000',
    );
  });

  test('a transaction that was under way when the entry was made, and one that was prepared', async () => {
    await writer.query('begin; insert into place (region_id, population) values (5, 2000)');
    const entry = await learn();
    await writer.query(`prepare transaction 'one'`);
    expect(await look(database.client, entry)).toMatchObject({ same: true, passing: 10, rows: 10 });
    await database.client.query('begin isolation level repeatable read; select 1');
    await writer.query(`commit prepared 'one'`);
    expect(await look(database.client, entry)).toMatchObject({ same: true, passing: 10, rows: 10 });
    await database.client.query('commit');
    expect(await look(database.client, entry)).toMatchObject({ same: true, passing: 11, rows: 11 });
    await writer.query('delete from place where population = 2000');
  });

  test('a prepared statement asks anew each time, under a generic plan as well', async () => {
    const { client } = database;
    const entry = await learn();
    await client.query(`set plan_cache_mode = force_generic_plan;
      prepare q as select p.id from place p where ${condition} and ${restricted(entry)}`);
    expect((await client.query('execute q')).rowCount).toBe(10);
    await writer.query('insert into place (region_id, population) values (6, 2000)');
    expect((await client.query('execute q')).rowCount).toBe(11);
    await writer.query('delete from place where population = 2000');
    await client.query('deallocate all; reset all');
  });

  test('a change of a table that is only read lets every key through, one of a key in it too', async () => {
    const { sources } = await database.stamp({ 'public.reading': 'region_id' });
    const entry = await learn();
    expect(await look(database.client, entry, [...sources])).toMatchObject({ passing: 10 });
    await writer.query(`insert into reading values (null, 'x')`);
    expect(await look(database.client, entry, [...sources])).toMatchObject({ same: true, passing: 50 });
    expect(await look(database.client, entry)).toMatchObject({ passing: 10 });
  });

  test('whole changes, another epoch, another server: every key', async () => {
    const entry = await learn();
    const { stamp } = entry;
    await writer.query('alter table place add constraint positive check (population >= 0)');
    expect(await look(database.client, entry)).toMatchObject({ same: true, passing: 50 });
    await writer.query('alter table place drop constraint positive');
    const { keys, stamp: now } = await learn();
    expect(await look(database.client, { keys, stamp: now })).toMatchObject({ same: true, passing: 10 });
    for (const other of [
      { epoch: '00000000-0000-0000-0000-000000000000' },
      { server: 'timeline 00000009' },
      { seen: stamp.seen, known: '1:999999999999:' },
    ])
      expect(await look(database.client, { keys, stamp: { ...now, ...other } })).toMatchObject({
        passing: 50,
      });
  });

  test('clients need no privilege but on their own tables, and see no log', async () => {
    const entry = await learn();
    const reader = await database.connect('reader');
    expect(await look(reader, entry)).toMatchObject({ same: true, passing: 10 });
    await expect(reader.query('select * from pcache.change_integer')).rejects.toThrow('permission denied');
    await expect(reader.query('select pcache.notice()')).rejects.toThrow('permission denied');
    await expect(reader.query(`select pcache.compact('3', 1)`)).rejects.toThrow('permission denied');
    // Nothing of it depends on the session's settings.
    await reader.query(`create temp table unnest (a int); set search_path = pg_temp; set row_security = off;
      set default_transaction_read_only = on; set standard_conforming_strings = on; set timezone = 'Asia/Kolkata'`);
    expect(await look(reader, entry)).toMatchObject({ same: true, passing: 10 });
    await reader.end();
  });

  test('a plan may be parallel', async () => {
    const { client } = database;
    const entry = await learn();
    await client.query(`set enable_indexscan = off; set enable_bitmapscan = off; set parallel_setup_cost = 0;
      set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0`);
    const query = `select count(*) from place p where ${condition} and ${restricted(entry)}`;
    const { rows } = await client.query(`explain (costs off) ${query}`);
    expect(rows.map((row) => String(row['QUERY PLAN'])).join('\n')).toMatch(/Parallel Seq Scan on place p/);
    expect((await client.query(query)).rows).toEqual([{ count: '10' }]);
    await client.query('reset all');
  });

  test.each([
    ['i2', 'int2', ['-32768', '32767', '0', null]],
    ['i8', 'int8', ['-9223372036854775808', '9223372036854775807', '0', null]],
    ['f4', 'float8', ['NaN', 'Infinity', '-Infinity', '-0', '0.1', '1e-45', null]],
    ['f8', 'float8', ['NaN', 'Infinity', '-Infinity', '-0', '0.1', '5e-324', '1.7976931348623157e308', null]],
    ['t', 'text', ['', ' ', 'Ü€😀', `'"\\{},`, 'x'.repeat(10_000), null]],
    ['v', 'text', ['', 'a ', 'x'.repeat(2000), null]],
    ['d', 'date', ['infinity', '-infinity', '4713-01-01 BC', '5874897-12-31', '2000-02-29', null]],
    ['ts', 'timestamp', ['infinity', '-infinity', '4713-01-01 BC', '294276-12-31 23:59:59.999999', null]],
    [
      'tz',
      'timestamptz',
      ['infinity', '-infinity', '4713-01-02 BC', '294276-12-31 00:00:00.000001+00', null],
    ],
  ] as const)('keys of every kind: column %s as %s', async (column, elementType, values) => {
    const { client } = database;
    const typed = { 'public.typed': column };
    await database.track(typed);
    const stamp = await database.stamp(typed);
    for (const [id, value] of values.entries())
      await client.query(`insert into typed (id, ${column}) values ($1, $2)`, [id, value]);
    const all = { table: 'public.typed', column };
    const array = (empty: string, of: Stamp): string => database.freshKeys(empty, elementType, of, all);
    const none = `'{}'::pg_catalog.${elementType}[]`;
    const count = async (of: Stamp): Promise<unknown> =>
      (
        await client.query(
          `select count(*)::int as rows from typed t where t.${column} = any (${array(none, of)})`,
        )
      ).rows[0].rows;
    expect(await count(stamp)).toBe(values.length - 1);
    expect(await count({ ...stamp, server: 'another' })).toBe(values.length - 1);
    expect(await count(await database.stamp(typed))).toBe(0);
    await client.query('delete from typed');
  });

  test('a key another column of the class cannot hold is no error', async () => {
    const { client } = database;
    await client.query('create table wide (region_id int8)');
    const wide = { 'public.wide': 'region_id' };
    await database.track(wide);
    const stamp = await database.stamp(wide);
    await client.query('insert into wide values (9223372036854775807), (7)');
    const keys = database.freshKeys(`'{}'::pg_catalog.int4[]`, 'int4', stamp, {
      table: 'public.place',
      column: 'region_id',
    });
    expect((await client.query(`select ${keys} as keys`)).rows).toEqual([{ keys: [7] }]);
  });

  test('text keys compare by the collation of their column', async () => {
    const { client } = database;
    await client.query(`create collation plain (provider = icu, locale = 'de-DE'); create table worded (k text collate plain);
      insert into worded values ('ä'); create index on worded (k)`);
    const worded = { 'public.worded': 'k' };
    await database.track(worded);
    const stamp = await database.stamp(worded);
    await client.query(`insert into worded values ('ö')`);
    const keys = database.freshKeys(`'{}'::pg_catalog.text[]`, 'text', stamp, {
      table: 'public.worded',
      column: 'k',
    });
    const statement = `select k from worded where k = any (${keys})`;
    expect((await client.query(statement)).rows).toEqual([{ k: 'ö' }]);
    await client.query('set enable_seqscan = off');
    const { rows } = await client.query(`explain (costs off) ${statement}`);
    expect(rows.map((row) => String(row['QUERY PLAN'])).join('\n')).toMatch(/Index Cond: \(k = ANY/);
    await client.query('reset all');
  });

  describe('compaction', () => {
    test('removes what every entry has seen, and makes entries unusable that have not', async () => {
      const old = await learn();
      await writer.query('insert into place (region_id, population) values (7, 2000)');
      const young = await learn();
      expect(await look(database.client, old)).toMatchObject({ same: true, passing: 11 });
      const horizon = young.stamp.seen.split(':')[0];
      await database.client.query('begin isolation level repeatable read; select 1');
      await writer.query(`select pcache.compact($1, 1000)`, [horizon]);
      // The same snapshot as before: rows and mark are as they were.
      expect(await look(database.client, old)).toMatchObject({ same: true, passing: 11 });
      await database.client.query('commit');
      expect((await database.client.query('select from pcache.change_integer')).rowCount).toBe(0);
      expect(await look(database.client, old)).toMatchObject({ same: true, passing: 50 });
      expect(await look(database.client, young)).toMatchObject({ same: true, passing: 11 });
      await writer.query('delete from place where population = 2000');
    });

    test('never goes past a transaction under way, whatever the horizon', async () => {
      await writer.query('begin; insert into place (region_id, population) values (8, 2000)');
      const entry = await learn();
      await database.client.query(`select pcache.compact('999999999999', 1000)`);
      await writer.query('commit');
      expect(await look(database.client, entry)).toMatchObject({ same: true, passing: 11 });
      await writer.query('delete from place where population = 2000');
    });

    test('is bounded, and keeps the newest where no horizon is known', async () => {
      await database.client.query(`select pcache.compact('999999999999', 1000)`);
      for (let i = 0; i < 5; i++)
        await writer.query('update place set population = population where region_id = $1', [i]);
      const { trackingQuery } = await import('../../../src/freshness/tracking-schema');
      const { rows } = await writer.query(trackingQuery('horizon-of-newest', 'pcache').text, [2]);
      expect((await writer.query('select pcache.compact($1, 1) as n', [rows[0].horizon])).rows).toEqual([
        { n: '1' },
      ]);
      expect((await writer.query('select pcache.compact($1, 100) as n', [rows[0].horizon])).rows).toEqual([
        { n: '1' },
      ]);
      expect((await writer.query('select from pcache.change_integer')).rowCount).toBe(3);
    });
  });

  test('tells what the change logs hold, and since when', async () => {
    const watch = new LogWatch(database.pool, 'pcache');
    await database.client.query(`select pcache.compact('999999999999', 1000)`);
    expect(await watch.read()).toEqual({ changes: 0, oldestMs: undefined });
    await writer.query('update place set population = population where region_id in (1, 2)');
    expect(await watch.read()).toMatchObject({ changes: 2 });
    await writer.query('update place set population = population where region_id = 3');
    expect((await watch.read())?.oldestMs).toBeGreaterThan(0);
    expect(await new LogWatch(database.pool, 'elsewhere').read()).toBeUndefined();
  });

  test('an entry is durable once its snapshot is on disk', async () => {
    const { walPosition } = await database.stamp(place);
    const { trackingQuery } = await import('../../../src/freshness/tracking-schema');
    await writer.query('set synchronous_commit = on; insert into reading values (1)');
    const { rows } = await writer.query(trackingQuery('is-durable', 'pcache').text, [walPosition]);
    expect(rows).toEqual([{ is_durable: true }]);
  });

  test('random writers and readers at all isolation levels: no row is ever lost', async () => {
    const seed = 20261128;
    let state = seed;
    const random = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    let isOver = false;
    const write = async (): Promise<void> => {
      const client = await database.connect();
      while (!isOver) {
        const [a, b] = [random(50), random(50)];
        const statements = [
          `insert into place (region_id, population) values (${a}, ${900 + random(200)})`,
          `update place set population = ${900 + random(200)} where region_id = ${a} and id % 20 = ${random(20)}`,
          `update place set region_id = ${b} where region_id = ${a} and population > 985`,
          `delete from place where region_id = ${a} and population > 1050`,
          `savepoint s; update place set population = 2000 where region_id = ${b}; rollback to s`,
        ];
        // Deadlocks among writers are part of it.
        const picked = Array.from({ length: 1 + random(3) }, () => statements[random(5)]);
        await client
          .query(`begin; ${picked.join(';')}; ${random(4) === 0 ? 'rollback' : 'commit'}`)
          .catch(() => client.query('rollback'));
      }
      await client.end();
    };
    const writers = [write(), write()];
    let different = 0;
    let checks = 0;
    let kept = 0;
    const read = async (level: string): Promise<void> => {
      const client = await database.connect();
      const entries: { keys: string; stamp: Stamp }[] = [];
      for (let i = 0; i < 12; i++) {
        await client.query(`begin isolation level ${level}`);
        if (i % 2 === 0) await client.query('select 1 from reading limit 1');
        entries.push(await learn());
        for (const entry of entries.slice(-3)) {
          const { same, passing } = await look(client, entry);
          checks++;
          if (!same) different++;
          if (passing < 50) kept++;
        }
        await client
          .query('insert into place (region_id, population) values ($1, 995)', [random(50)])
          .catch(() => undefined);
        const own = await look(client, entries[random(entries.length)]!).catch(() => undefined);
        if (own?.same === false) different++;
        await client.query('rollback');
        if (i % 5 === 4)
          await database.client.query(`select pcache.compact($1, 50)`, [
            entries.at(-2)!.stamp.seen.split(':')[0],
          ]);
      }
      await client.end();
    };
    await Promise.all(['read committed', 'repeatable read', 'serializable'].map(read));
    isOver = true;
    await Promise.all(writers);
    expect({ seed, different }).toEqual({ seed, different: 0 });
    expect(checks).toBeGreaterThan(80);
    expect(kept).toBeGreaterThan(20);
  });
});
