import { Client } from 'pg';
import { Tracking } from '../../../src/freshness/tracking';
import { openPool, type ControlPool } from '../../../src/postgres/control-pool';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { TrackedDatabase } from '../../support/tracked-database';

const place = { 'public.place': 'region_id' };

describeVersions('tracking by an owner who is no superuser', (binaries) => {
  let server: PostgresServer;
  let database: TrackedDatabase;
  let pool: ControlPool;
  let tracking: Tracking;
  beforeAll(async () => {
    server = await startPostgres({ binaries });
    database = await TrackedDatabase.open(
      server,
      `create role owner login password 'secret'; grant create on schema public to owner;
       do $$ begin execute format('grant create on database %I to owner', current_database()); end $$;
       create table others (region_id int); grant trigger, select on others to owner; create view seen as select 1 as region_id;
       create extension postgres_fdw; create server far foreign data wrapper postgres_fdw;
       create foreign table remote (region_id int) server far; set role owner;
       create table place (id int, region_id int, population int); create table place_child () inherits (place); reset role`,
    );
    pool = openPool({ ...database.connection, user: 'owner', password: 'secret' });
    tracking = new Tracking({ pool, schema: 'pcache', lockTimeoutMs: 100, attempts: 2 });
  });
  afterAll(async () => {
    await pool?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  const install = async (table: string, keyColumn = 'region_id'): Promise<string | undefined> => {
    const [outcome] = await tracking.install([{ schema: 'public', table, keyColumn }]);
    return outcome?.reason;
  };
  const problems = async (): Promise<readonly string[]> => {
    const status = await tracking.status();
    return status?.sources.flatMap((source) => [...source.problems, ...source.distrust]) ?? [];
  };
  const notice = async (): Promise<number> => {
    const { rows } = await database.client.query('select pcache.notice() as n');
    return (rows[0] as { n: number }).n;
  };

  test('what cannot be tracked is reported with the reason', async () => {
    expect(await tracking.status()).toBeUndefined();
    expect(await install('others')).toBe('the role owner must own it, or be a member of its owner postgres');
    expect(await install('nothing')).toBe('there is no such table');
    expect(await install('seen')).toBe('it is a view; tables can be tracked');
    expect(await install('remote')).toMatch(/^it is a foreign table/);
    expect(await install('place', 'nothing')).toBe('there is no column nothing');
    await database.client.query('set role owner; alter table place add column tags int[]; reset role');
    expect(await install('place', 'tags')).toBe('column tags is of type integer[]');
  });

  test('a lock that is not to be had is given up, and nobody waits long', async () => {
    const blocker = await database.connect();
    await blocker.query('begin; insert into place values (1, 1)');
    expect(await install('place')).toMatch(/lock timeout/);
    await blocker.query('rollback');
    await blocker.end();
  });

  test('status says that DDL is not watched', async () => {
    expect(await install('place')).toBeUndefined();
    expect(await install('place')).toBeUndefined();
    const status = await tracking.status();
    expect(status).toMatchObject({ isOwn: true, ddl: { isWatching: false, mayWatch: false } });
    expect(status?.sources).toMatchObject([{ table: 'place', relations: 2, problems: [], distrust: [] }]);
    expect(await database.changesOf(place, 'insert into place values (1, 7)')).toEqual(['7']);
    expect(await notice()).toBe(0);
  });

  test.each([
    ['disabled', 'alter table place disable trigger all', /trigger pcache_\d+_\w+ on place is disabled/],
    [
      'demoted',
      'alter table place disable trigger all; alter table place enable trigger all',
      /is not enabled always/,
    ],
    [
      'altered',
      "create or replace function nothing() returns trigger language plpgsql as $$ begin return null; end $$; do $$ declare t name; begin select tgname into t from pg_trigger where tgrelid = 'place'::regclass and tgname like '%insert'; execute format('drop trigger %I on place; create trigger %I after insert on place execute function nothing()', t, t); end $$",
      /is altered/,
    ],
    [
      'without those of a new child',
      'set role owner; create table place_late () inherits (place); reset role',
      /on place_late is missing/,
    ],
  ])('triggers that are %s are noticed, distrusted, and mended', async (_, ddl, problem) => {
    const stamp = await database.stamp(place);
    await database.client.query(ddl);
    expect((await problems()).join('\n')).toMatch(problem);
    expect(await notice()).toBe(1);
    // Not in the snapshot of any entry, past or to come.
    expect(await database.changesSince(stamp)).toContain('whole');
    expect((await database.stamp(place)).sources).toEqual([null]);
    expect(await install('place')).toBeUndefined();
    expect(await problems()).toEqual([]);
    expect(await database.changesSince(stamp)).toContain('whole');
    const after = await database.stamp(place);
    expect(after.sources).toEqual(stamp.sources);
    expect(await database.changesSince(after)).toEqual([]);
    expect(await notice()).toBe(0);
  });

  test('disabled and enabled between two looks: the second look notices', async () => {
    const stamp = await database.stamp(place);
    const { rows } = await database.client.query(
      `select tgname from pg_trigger where tgrelid = 'place'::regclass and tgname like 'pcache%insert'`,
    );
    const [{ tgname }] = rows as [{ tgname: string }];
    await database.client
      .query(`alter table place disable trigger ${tgname}; insert into place values (9, 99);
      alter table place enable always trigger ${tgname}`);
    expect(await problems()).toEqual([]);
    expect(await database.changesSince(stamp)).toEqual([]);
    expect(await notice()).toBe(1);
    expect(await database.changesSince(stamp)).toEqual(['whole']);
  });

  test('columns that change are noticed; writers do not fail meanwhile', async () => {
    const stamp = await database.stamp(place);
    await database.client.query(`alter table place alter column population type int using 7`);
    expect(await notice()).toBe(1);
    expect(await database.changesSince(stamp)).toEqual(['whole']);
    await database.client.query(
      `alter table place rename column region_id to r; insert into place (id, r) values (1, 3)`,
    );
    await database.client.query(`alter table place rename column r to region_id`);
    expect(await notice()).toBe(1);
  });

  test('a superuser may have DDL watched later; removing ends it all but what proxies ask', async () => {
    await database.track(place);
    const status = await tracking.status();
    expect(status?.ddl.isWatching).toBe(true);
    const before = await database.stamp(place);
    const removed = await database.tracking.remove();
    expect(removed.map(({ table }) => table)).toEqual(['place']);
    expect(await database.changesSince(before)).toEqual(['whole']);
    const { rows } = await database.client.query(
      `select (select count(*) from pg_trigger where tgname like 'pcache%')::int as triggers,
              (select count(*) from pg_event_trigger)::int as event_triggers, (select count(*) from pg_proc where proname like 'note\\_%' and proname ~ '[0-9]')::int as functions`,
    );
    expect(rows).toEqual([{ triggers: 0, event_triggers: 0, functions: 0 }]);
    const all = { table: 'public.place', column: 'region_id' };
    const keys = database.freshKeys(`'{}'::pg_catalog.int4[]`, 'int4', before, all);
    const answer = await database.client.query(
      `select count(*)::int as rows from place where region_id = any (${keys})`,
    );
    expect(answer.rows[0]).not.toEqual({ rows: 0 });
    expect(await database.tracking.remove()).toEqual([]);
  });

  test('a client with a name in the way', async () => {
    const client = new Client(database.connection);
    await client.connect();
    await client.query(
      'create schema if not exists "odd ""schema"; create table "odd ""schema"."Táble" ("the key" int)',
    );
    const [outcome] = await database.tracking.install([
      { schema: 'odd "schema', table: 'Táble', keyColumn: 'the key' },
    ]);
    expect(outcome?.reason).toBeUndefined();
    await client.query(
      'insert into "odd ""schema"."Táble" values (3); update "odd ""schema"."Táble" set "the key" = 4',
    );
    const { rows } = await client.query(
      'select distinct key from pcache.change_integer where key in (3, 4) order by key',
    );
    expect(rows).toEqual([{ key: '3' }, { key: '4' }]);
    await client.end();
  });
});
