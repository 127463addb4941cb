import { Client } from 'pg';
import { cacheGrants } from '../../../src/cache/backends/postgresql/cache-schema';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import type { FragmentOutcome } from '../../../src/population/fragment-source';
import { openPool } from '../../../src/postgres/control-pool';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { failedEntry } from '../../support/cache-entries';
import { entryTable, InPlaceDatabase, inPlaceSchema } from '../../support/in-place-database';
import { makeFragment } from '../../support/make-fragment';
import { hasPostgresBinaries, type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

const never = new AbortController().signal;
const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));
const sleeping = 'select 1 from (select pg_sleep(600)) as s';

describe.each(versions)('storing in place, PostgreSQL (%s)', (binaries) => {
  let server: PostgresServer;
  let database: InPlaceDatabase;
  let backend: CacheBackend;

  beforeAll(async () => {
    server = await startPostgres({ binaries });
    database = await InPlaceDatabase.open(
      server,
      `create table place (place_id int primary key, region_id int);
       insert into place select n, n % 100 from generate_series(1, 1000) as n`,
    );
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await server.stop();
  });
  beforeEach(async () => {
    database.refusals.length = 0;
    backend = await database.openBackend('postgresql_array', 'integer');
  });
  afterEach(async () => {
    await backend.dropPartitionKey('region');
    await backend[Symbol.asyncDispose]();
  });

  function run(fragment: Fragment, timeoutMs = 20_000, signal = never): Promise<FragmentOutcome> {
    return database.source(backend, { timeoutMs }).run(fragment, signal);
  }

  async function keysOf({ partitionKey, hash }: Fragment): Promise<unknown> {
    const entry = await backend.get(partitionKey, hash);
    return entry?.keys && [...entry.keys.values()];
  }

  async function activeRuns(): Promise<number> {
    const { rows } = await database.admin.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and query like '-- populate-entry%' and state = 'active'`,
    );
    return rows[0]?.n ?? 0;
  }

  describe('refuses to write anything but the entry', () => {
    beforeAll(async () => {
      await database.admin.query(`
        create table scribbled (n int);
        create function scribble() returns int language sql volatile as 'insert into scribbled values (1) returning n';
        create function in_disguise() returns int language sql immutable as 'select scribble()';
        create function unlocking() returns int language plpgsql volatile as $$
          begin perform set_config('transaction_read_only', 'off', true); return scribble(); end $$;
        create function catching() returns int language plpgsql volatile as $$
          begin
            begin perform scribble(); exception when others then null; end;
            begin perform set_config('transaction_read_only', 'off', false); exception when others then null; end;
            return scribble();
          end $$;`);
    });

    test.each(['scribble', 'in_disguise', 'unlocking', 'catching'])(
      'through a function: %s',
      async (name) => {
        const fragment = makeFragment(`select ${name}()`);
        expect(await run(fragment)).toMatchObject({ status: 'failed' });
        expect(database.refusals).toEqual([expect.stringMatching(/read-only|read-write/)]);
        expect(await backend.count('region')).toBe(0);
        expect((await database.admin.query('select from scribbled')).rowCount).toBe(0);
      },
    );

    test.each([
      'select 1, 2) as f (key); insert into scribbled values (1); select * from (select 1',
      'select 1) as f (key)) as s window w as ()) as k) as a; insert into scribbled values (1); select (1',
      `select 1) as f (key); commit; drop table place; select (1`,
    ])('by a second statement: %s', async (sql) => {
      expect(await run(makeFragment(sql))).toMatchObject({ status: 'failed' });
      expect(await backend.count('region')).toBe(0);
      expect((await database.admin.query('select from scribbled')).rowCount).toBe(0);
      expect((await database.admin.query('select from place')).rowCount).toBe(1000);
    });
  });

  test('takes too long: ended by the server, and a time-out is what is stored', async () => {
    const fragment = makeFragment(sleeping);
    const report = await database.populate(fragment, database.source(backend, { timeoutMs: 300 }), backend);
    expect(report).toMatchObject({ status: 'timeout', error: expect.stringContaining('statement timeout') });
    expect(await backend.describe('region', fragment.hash)).toMatchObject({ status: 'timeout', failures: 1 });
    expect(database.refusals).toEqual([]);
    expect(await activeRuns()).toBe(0);
  });

  test('an abort ends it on the server, and nothing is stored', async () => {
    const controller = new AbortController();
    const running = run(makeFragment(sleeping), 20_000, controller.signal);
    await until('it runs', async () => (await activeRuns()) === 1);
    controller.abort();
    expect(await running).toEqual({ status: 'aborted' });
    await until('it has ended', async () => (await activeRuns()) === 0);
    expect(await backend.count('region')).toBe(0);
  });

  test('a connection terminated in mid-run: unavailable, nothing is stored, and the next run is fine', async () => {
    const fragment = makeFragment('select 1 where (select pg_sleep(600)) is not null');
    const running = run(fragment);
    await until('it runs', async () => (await activeRuns()) === 1);
    await database.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '-- populate-entry%'`,
    );
    expect(await running).toMatchObject({ status: 'unavailable', hasStarted: true });
    expect(await backend.count('region')).toBe(0);
    expect(await run(makeFragment('values (1)'))).toEqual({ status: 'stored', keyCount: 1 });
  });

  test('one that failed before, and is larger now, is replaced whole', async () => {
    const fragment = makeFragment('values (4), (null)');
    await backend.put({ ...failedEntry('timeout', 'integer'), fragment });
    expect(await run(fragment)).toEqual({ status: 'stored', keyCount: 1 });
    const entry = await backend.get('region', fragment.hash);
    expect(entry).toMatchObject({ status: 'ok', keyCount: 1, hasNullKey: true, error: undefined, fragment });
    expect(entry?.failures).toBeUndefined();
    expect(entry?.snapshot).toMatch(/^\d+:\d+:/);
  });

  test('all is read in the snapshot the entry carries', async () => {
    await database.admin.query('create table counter (n int); insert into counter values (1)');
    const fragment = makeFragment(
      'select n from public.counter where n > 0 and (select pg_sleep(0.5) is not null)',
    );
    const running = run(fragment);
    await until('it runs', async () => (await activeRuns()) === 1);
    const { rows } = await database.admin.query<{ xid: string }>(
      'update counter set n = 2 returning pg_current_xact_id()::text as xid',
    );
    expect(await running).toEqual({ status: 'stored', keyCount: 1 });
    expect(await keysOf(fragment)).toEqual([1n]);
    const { snapshot } = (await backend.describe('region', fragment.hash)) ?? {};
    const seen = 'select pg_visible_in_snapshot($1::xid8, $2::pg_snapshot) as seen';
    expect((await database.admin.query(seen, [rows[0]?.xid, snapshot])).rows).toEqual([{ seen: false }]);
  });

  test('names on the search_path of a fragment are not what runs, and its settings are in force', async () => {
    await database.admin.query(`
      create schema evil;
      create function evil.no(bigint, bigint) returns boolean language sql as 'select true';
      create operator evil.<= (leftarg = bigint, rightarg = bigint, function = evil.no);
      create operator evil.> (leftarg = bigint, rightarg = bigint, function = evil.no);
      create function evil.array_agg(bigint) returns bigint[] language sql as $$ select '{666}'::bigint[] $$;
      create function evil.set_config(text, text, boolean) returns text language sql as $$ select 'evil' $$;
      create function evil.cardinality(anyarray) returns int language sql as 'select 1';
      create function evil.pg_notify(text, text) returns void language sql as '';
      create domain evil.refcursor as int;
      create table evil.place (region_id int);
      insert into evil.place values (7);`);
    const settings = {
      search_path: 'evil, pg_catalog',
      standard_conforming_strings: 'off',
      synchronous_commit: 'off',
      DateStyle: 'German, DMY',
      extra_float_digits: '-15',
      'plpgsql.variable_conflict': 'use_column',
      statement_timeout: '1ms',
      default_transaction_read_only: 'on',
    };
    const fragment = makeFragment(
      `select region_id from place union select length('a\\\\b') union select extract(month from '02/03/2024'::date)::int`,
      { settings },
    );
    expect(await run(fragment)).toEqual({ status: 'stored', keyCount: 2 });
    expect(await keysOf(fragment)).toEqual([3n, 7n]);
    expect((await backend.describe('region', fragment.hash))?.fragment).toEqual(fragment);
    for (let i = 0; i < 3; i++) {
      const left = await database.pool.execute('settings', `select current_setting('search_path') as path`);
      expect(left).toEqual([{ path: '"$user", public' }]);
    }
  });

  test('two proxies at once store one entry, and neither is in trouble', async () => {
    await using other = await database.openBackend('postgresql_array', 'integer');
    const fragment = makeFragment(
      'select n from generate_series(1, 3) n where (select pg_sleep(0.5)) is not null',
    );
    const sources = [backend, other].map((each) => database.source(each));
    const running = sources.map((source) => source.run(fragment, never));
    await until('both run', async () => (await activeRuns()) === 2);
    expect(await Promise.all(running)).toEqual([
      { status: 'stored', keyCount: 3 },
      { status: 'stored', keyCount: 3 },
    ]);
    expect(database.refusals).toEqual([]);
    expect(await keysOf(fragment)).toEqual([1n, 2n, 3n]);
    expect(await other.count('region')).toBe(1);
  });

  test('is told to all processes, the one that had it done among them', async () => {
    await using other = await database.openBackend('postgresql_array', 'integer');
    const directories = [backend, other].map((each) => {
      const directory = new Directory();
      each.subscribe((change) => directory.apply(change));
      return directory;
    });
    const fragment = makeFragment('values (1), (2)');
    expect(await run(fragment)).toEqual({ status: 'stored', keyCount: 2 });
    const stored = await backend.describe('region', fragment.hash);
    for (const directory of directories) {
      const found = await until('it is heard of', () => directory.get('region', fragment.hash));
      expect(found).toMatchObject({ keyCount: 2, snapshot: stored?.snapshot, createdAt: stored?.createdAt });
    }
  });

  describe('goes through the proxy, and says why, where', () => {
    async function goesThrough(fragment: Fragment, reason: RegExp, source = database.source(backend)) {
      expect(await source.run(fragment, never)).toMatchObject({ status: 'ok', keys: [5n] });
      expect(database.refusals).toEqual([expect.stringMatching(reason)]);
      expect(await backend.count('region')).toBe(0);
    }
    const fragment = makeFragment('select 5');

    test('the cache is in another database of the server, with tables of the same names in both', async () => {
      await using elsewhere = await InPlaceDatabase.open(server, 'select 1');
      await using pool = openPool(elsewhere.connection);
      await goesThrough(fragment, /kept in another database/, database.source(backend, { pool }));
    });

    test('the cache is in a database of the same name of another server', async () => {
      await using twin = await startPostgres({ binaries });
      await using elsewhere = await InPlaceDatabase.open(twin, 'select 1');
      const { database: name } = database.connection;
      const { rows } = await elsewhere.admin.query('select current_database() = $1 as same', [name]);
      expect(rows).toEqual([{ same: true }]);
      await using pool = openPool(elsewhere.connection);
      await goesThrough(fragment, /kept in another database/, database.source(backend, { pool }));
    });

    test('there are no such tables', async () => {
      await using pool = openPool(server.connectionOptions('postgres'));
      await goesThrough(fragment, /not in the database of the fragments/, database.source(backend, { pool }));
    });

    test('the control role lacks grants, and not where it has those that are printed', async () => {
      const { password } = database.connection;
      await database.admin.query(`create role "a populator" login password '${password}'`);
      const pool = openPool({ ...database.connection, user: 'a populator' });
      const source = database.source(backend, { pool });
      await goesThrough(fragment, /may not write key sets; run what pcache manage grants prints/, source);
      database.refusals.length = 0;
      await database.admin.query(`grant usage on schema "the ""cache""" to "a populator"`);
      await goesThrough(fragment, /may not write key sets/, source);
      const grants = cacheGrants(inPlaceSchema, { control: 'postgres', population: 'a populator' });
      await database.admin.query(grants);
      expect(await source.run(fragment, never)).toEqual({ status: 'stored', keyCount: 1 });
      await using bits = await database.openBackend('postgresql_bit', 'integer');
      expect(await database.source(bits, { pool }).run(fragment, never)).toMatchObject({ status: 'stored' });
      await bits.dropPartitionKey('region');
      await pool[Symbol.asyncDispose]();
      await database.admin.query('drop owned by "a populator"; drop role "a populator"');
    });

    test('transactions are read only by default', async () => {
      await using pool = openPool({ ...database.connection, maxConnections: 1 });
      await pool.execute('set', 'set default_transaction_read_only = on');
      await goesThrough(fragment, /takes no writes/, database.source(backend, { pool }));
    });

    test('the tables are of an earlier version', async () => {
      const name = `"the ""cache"""."My ' evaluate"`;
      await database.admin.query(`alter function ${name} rename to gone`);
      await goesThrough(fragment, /earlier version; run pcache manage setup/);
      await database.admin.query(`alter function "the ""cache"""."gone" rename to "My ' evaluate"`);
    });

    test('the partition key is not registered any more', async () => {
      await database.admin.query(`delete from "the ""cache"""."My ' partition_key"`);
      await goesThrough(fragment, /violates foreign key constraint/);
    });

    test('the partition key has been registered anew, as of another datatype', async () => {
      await backend.dropPartitionKey('region');
      await using other = await database.openBackend('postgresql_array', 'text');
      const source = database.source(backend);
      await goesThrough(fragment, /registered as text, not integer/, source);
      expect(await other.count('region')).toBe(0);
    });

    test('the store does not answer', async () => {
      const closed = await database.openBackend('postgresql_array', 'integer');
      const { inPlace } = closed;
      await closed[Symbol.asyncDispose]();
      const source = database.source(undefined, {
        inPlace: { store: () => inPlace, refused: (reason) => void database.refusals.push(reason) },
      });
      await goesThrough(fragment, /./, source);
    });
  });

  test('leaves nothing behind: no transaction, no lock, no table', async () => {
    await run(makeFragment('values (1)'));
    await run(makeFragment('select nothing'));
    await until('no transaction is open', async () => {
      const open = `select 1 from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`;
      return (await database.admin.query(open)).rowCount === 0;
    });
    const locks = `select 1 from pg_locks where locktype = 'advisory'`;
    expect((await database.admin.query(locks)).rowCount).toBe(0);
    const client = new Client(database.connection);
    await client.connect();
    expect(
      (await client.query(`select from pg_class where relpersistence = 't' and relname like 'pcache%'`))
        .rowCount,
    ).toBe(0);
    expect((await client.query(`select count(*)::int as n from ${entryTable}`)).rows).toEqual([{ n: 1 }]);
    await client.end();
  });
});
