import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { TrackedDatabase } from '../../support/tracked-database';

const tables = `
  create table place (id int, region_id int, population int);
  create table place_child (extra text) inherits (place);
  create table beside (id int, region_id int, population int);
  create table above_beside (id int, region_id int, population int);
  alter table beside inherit above_beside;
  create table mother (id int, region_id int);
  create table of_both () inherits (mother, beside);
  create table part (id int, region_id int not null, population int) partition by list (region_id);
  create table part_1 partition of part for values in (1);
  create table part_2 partition of part for values in (2) partition by range (id);
  create table part_2_low partition of part_2 for values from (0) to (100);
  create table part_rest partition of part default;
  create table apart (id int, region_id int not null, population int);
  create table region (id int primary key, name text);
  create table visit (region_id int references region on delete cascade on update cascade, what text);
  create table remark (region_id int references region on delete set null, what text);
  create table doubled (half int, region_id int generated always as (half * 2) stored);
  create view place_view as select id, region_id from place;
  create schema meaning;
  create function meaning.five() returns int immutable language sql as 'select 5';
  create function meaning.same(int, int) returns bool immutable language sql as 'select $1 operator(pg_catalog.=) $2';
  create operator meaning.=== (leftarg = int, rightarg = int, function = meaning.same);
  create collation meaning.plain from "C";
  create role writer;
  grant all on all tables in schema public to writer;
`;
const place = { 'public.place': 'region_id' };
const mother = { 'public.mother': 'region_id' };
const part = { 'public.part': 'region_id' };
const visit = { 'public.visit': 'region_id' };

describeVersions('changes of tracked tables', (binaries) => {
  let server: PostgresServer;
  let database: TrackedDatabase;
  beforeAll(async () => {
    server = await startPostgres({
      binaries,
      settings: { max_prepared_transactions: 5, max_locks_per_transaction: 256 },
    });
    database = await TrackedDatabase.open(server, tables);
    const remark = { 'public.remark': 'region_id' };
    await database.track({
      ...place,
      ...mother,
      ...part,
      ...visit,
      ...remark,
      'public.doubled': 'region_id',
    });
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  /** Every case is undone, so that none depends on another; what it logged is looked at before. */
  const logged = async (table: Record<string, string>, ...statements: string[]): Promise<string[]> => {
    const stamp = await database.stamp(table);
    await database.client.query('begin');
    try {
      for (const statement of statements) await database.client.query(statement);
      return await database.changesSince(stamp);
    } finally {
      await database.client.query('rollback');
    }
  };

  describe('writes', () => {
    test.each<[string, Record<string, string>, string[], string[]]>([
      ['insert', place, [`insert into place values (1, 7), (2, 7), (3, 8)`], ['7', '8']],
      ['insert nothing', place, [`insert into place select 1, 2 where false`], []],
      [
        'insert … select',
        place,
        [`insert into place select i, i % 3 from generate_series(1, 9) i`],
        ['0', '1', '2'],
      ],
      [
        'update: old and new keys',
        place,
        [`insert into place values (1, 7)`, `savepoint a`, `update place set region_id = 9`],
        ['7', '9'],
      ],
      ['update of nothing', place, [`update place set region_id = 9 where false`], []],
      [
        'update of another column',
        part,
        [`insert into part values (1, 1)`, `update part set population = 5`],
        ['1'],
      ],
      ['delete', place, [`insert into place values (1, 7)`, `delete from place where region_id = 7`], ['7']],
      ['a NULL key', place, [`insert into place values (1, null)`], ['null']],
      ['a child of inheritance', place, [`insert into place_child values (1, 5, 0, '')`], ['5']],
      [
        'the parent, for rows of a child',
        place,
        [`insert into place_child values (1, 5)`, `update place set region_id = 6`],
        ['5', '6'],
      ],
      [
        'another parent of a child',
        mother,
        [
          `insert into of_both values (1, 5)`,
          `update beside set region_id = 6`,
          `savepoint a`,
          `delete from above_beside`,
        ],
        ['5', '6'],
      ],
      ['a partition itself', part, [`insert into part_1 values (1, 1)`], ['1']],
      ['a partition of a partition', part, [`insert into part_2_low values (1, 2)`], ['2']],
      [
        'an update that moves a row to another partition',
        part,
        [`insert into part values (1, 1)`, `update part set region_id = 2 where region_id = 1`],
        ['1', '2'],
      ],
      [
        'the same, from a partition of partitions',
        part,
        [`insert into part values (1, 2)`, `update part set region_id = 44`],
        ['2', '44'],
      ],
      [
        'on conflict do update',
        part,
        [
          `create unique index on part_1 (id)`,
          `insert into part_1 values (1, 1)`,
          `insert into part_1 values (1, 1) on conflict (id) do update set population = 3`,
        ],
        ['1'],
      ],
      [
        'a writable CTE',
        place,
        [
          `with w as (insert into place values (1, 7) returning region_id) insert into place select 2, region_id + 1 from w`,
        ],
        ['7', '8'],
      ],
      [
        'merge',
        place,
        [
          `insert into place values (1, 7), (2, 8)`,
          `merge into place p using (values (1), (2), (3)) s (id) on p.id = s.id when matched and s.id = 1 then update set region_id = 17 when matched then delete when not matched then insert values (3, 9)`,
        ],
        ['17', '7', '8', '9'],
      ],
      [
        'merge that moves a row between partitions',
        part,
        [
          `insert into part values (1, 1)`,
          `merge into part p using (values (1)) s (id) on p.id = s.id when matched then update set region_id = 2`,
        ],
        ['1', 'whole'],
      ],
      [
        'a cascade of deletes',
        visit,
        [
          `insert into region values (5)`,
          `insert into visit values (5)`,
          `savepoint a`,
          `delete from region where id = 5`,
        ],
        ['5'],
      ],
      [
        'a cascade of updates',
        visit,
        [`insert into region values (5)`, `insert into visit values (5)`, `update region set id = 6`],
        ['5', '6'],
      ],
      [
        'a foreign key set to NULL',
        { 'public.remark': 'region_id' },
        [`insert into region values (5)`, `insert into remark values (5)`, `delete from region`],
        ['5', 'null'],
      ],
      [
        'a stored generated key',
        { 'public.doubled': 'region_id' },
        [`insert into doubled values (4)`, `update doubled set half = 5`],
        ['10', '8'],
      ],
      ['through a view', place, [`insert into place_view values (1, 7)`], ['7']],
      [
        'session_replication_role = replica',
        place,
        [
          `set local session_replication_role = replica`,
          `insert into place values (1, 7)`,
          `update place set region_id = 8`,
          `truncate place`,
        ],
        ['7', '8', 'whole'],
      ],
      [
        'a role that may write the table only',
        place,
        [`set local role writer`, `insert into place values (1, 7)`, `reset role`],
        ['7'],
      ],
      [
        'a hostile search_path',
        place,
        [
          `create schema hostile`,
          `create function hostile.eq(int, int) returns bool language sql as 'select false'`,
          `create operator hostile.= (leftarg = int, rightarg = int, function = hostile.eq)`,
          `create table hostile.pg_attribute ()`,
          `set local search_path = hostile, pg_catalog, public`,
          `insert into public.place values (1, 7)`,
          `set local search_path = public`,
        ],
        ['7', 'whole'],
      ],
      [
        'a savepoint rolled back',
        place,
        [
          `insert into place values (1, 7)`,
          `savepoint a`,
          `insert into place values (1, 8)`,
          `rollback to a`,
        ],
        ['7'],
      ],
      ['truncate', place, [`truncate only place`], ['whole']],
      ['truncate of a partition', part, [`truncate part_1`], ['whole']],
      ['truncate … cascade', visit, [`truncate region cascade`], ['whole']],
    ])('%s', async (_, table, statements, expected) => {
      const changes = await logged(table, ...statements);
      // CREATE FUNCTION may change what any condition means, ALTER TABLE what a table is; beside keys that says nothing.
      expect(changes).toEqual(expected);
    });

    test.each([
      [
        'by a function in PL/pgSQL',
        `create function moves() returns void language plpgsql as $$ begin merge into part p using (values (1)) s (id) on p.id = s.id when matched then update set region_id = 2; end $$`,
        'select moves()',
      ],
      [
        'by a function in SQL',
        `create function moves() returns void language sql as $$ merge into part p using (values (1)) s (id) on p.id = s.id when matched then update set region_id = 2 $$`,
        'select moves()',
      ],
      [
        'as a prepared statement',
        `prepare moves as merge into part p using (values (1)) s (id) on p.id = s.id when matched then update set region_id = 2`,
        'execute moves',
      ],
    ])('a merge run %s', async (_, define, run) => {
      const { client } = database;
      await client.query(define);
      expect(await logged(part, 'insert into part values (1, 1)', run)).toEqual(['1', 'whole']);
      await client.query('drop function if exists moves(); deallocate all');
    });

    test('an update prepared or in a function, where there is no merge, logs keys', async () => {
      await database.client.query('prepare moves as update part set region_id = 2');
      expect(await logged(part, 'insert into part values (1, 1)', 'execute moves')).toEqual(['1', '2']);
      await database.client.query('deallocate all');
    });

    test('on conflict do nothing logs what was written, and no more', async () => {
      const statement = `insert into region values (1), (2) on conflict do nothing`;
      expect(await logged(visit, statement, `insert into visit values (1)`)).toEqual(['1']);
    });

    test('copy, into the parent and into a partition', async () => {
      const copy = (table: string): string =>
        `do $$ begin execute 'copy ${table} from program ''printf "1\\t1\\t0\\n2\\t1\\t0\\n"'''; end $$`;
      expect(await logged(part, copy('part'))).toEqual(['1']);
      expect(await logged(part, copy('part_1'))).toEqual(['1']);
    });

    test('a prepared transaction shows its changes when it is committed', async () => {
      const { client } = database;
      const stamp = await database.stamp(place);
      await client.query(`begin; insert into place values (1, 7); prepare transaction 'two'`);
      expect(await database.changesSince(stamp)).toEqual([]);
      const later = await database.stamp(place);
      await client.query(`commit prepared 'two'`);
      expect(await database.changesSince(stamp)).toEqual(['7']);
      expect(await database.changesSince(later)).toEqual(['7']);
      await client.query('delete from place');
    });

    test('what is rolled back logs nothing', async () => {
      expect(await database.changesOf(place, `begin; insert into place values (1, 7); rollback`)).toEqual([]);
    });

    test('a statement that changes nothing takes no transaction number', async () => {
      const { client } = database;
      await client.query('begin');
      await client.query(`delete from place where false`);
      await client.query(`update place set region_id = 1 where false`);
      const { rows } = await client.query('select pg_current_xact_id_if_assigned() as xid');
      await client.query('rollback');
      expect(rows).toEqual([{ xid: null }]);
    });
  });

  describe('DDL', () => {
    test.each<[string, Record<string, string>, string[], string[]]>([
      ['detach partition', part, [`alter table part detach partition part_1`], ['whole']],
      [
        'attach partition, and its triggers are there',
        part,
        [
          `create table apart_9 (like part)`,
          `insert into apart_9 values (1, 9)`,
          `alter table part attach partition apart_9 for values in (9)`,
          `insert into apart_9 values (2, 9)`,
        ],
        ['9', 'whole'],
      ],
      [
        'attach a partition of partitions',
        part,
        [
          `create table sub (like part) partition by list (id)`,
          `create table sub_1 partition of sub for values in (1)`,
          `alter table part attach partition sub for values in (9)`,
          `insert into sub_1 values (1, 9)`,
        ],
        ['9', 'whole'],
      ],
      [
        'create table … partition of: its triggers are there, and nothing is uncertain',
        part,
        [`create table part_9 partition of part for values in (9)`, `insert into part_9 values (1, 9)`],
        ['9'],
      ],
      [
        'create table … inherits',
        place,
        [`create table place_more () inherits (place)`, `insert into place_more values (1, 4)`],
        ['4'],
      ],
      [
        'inherit',
        place,
        [
          `create table late (like place)`,
          `insert into late values (1, 3)`,
          `alter table late inherit place`,
          `insert into late values (1, 4)`,
        ],
        ['4', 'whole'],
      ],
      ['no inherit', place, [`alter table place_child no inherit place`], ['whole']],
      [
        'a new parent, through which rows are written',
        place,
        [
          `create table above (id int, region_id int, population int)`,
          `alter table place inherit above`,
          `insert into place values (1, 2)`,
          `update above set region_id = 3`,
        ],
        ['2', '3', 'whole'],
      ],
      ['drop a partition', part, [`drop table part_1`], ['whole']],
      ['drop the table', visit, [`drop table visit`], ['whole']],
      ['add column', place, [`alter table place add column other int default 3`], ['whole']],
      ['drop column', place, [`alter table place drop column population`], ['whole']],
      [
        'drop the key: writers do not fail',
        place,
        [`alter table place drop column region_id cascade`, `insert into place values (1, 2)`],
        ['whole'],
      ],
      [
        'rename the key: writers do not fail',
        place,
        [`alter table place rename column region_id to r`, `insert into place values (1, 2)`],
        ['whole'],
      ],
      [
        'another type of the key: writers do not fail',
        visit,
        [
          `alter table visit drop constraint visit_region_id_fkey`,
          `alter table visit alter column region_id type text`,
          `insert into visit values ('x')`,
        ],
        ['whole'],
      ],
      [
        'a rewrite',
        place,
        [`alter table place alter column population type int using population / 2`],
        ['whole'],
      ],
      [
        'rename the table: it is tracked as before',
        place,
        [`alter table place rename to locality`, `insert into locality values (1, 7)`],
        ['7', 'whole'],
      ],
      [
        'another schema',
        place,
        [
          `create schema elsewhere`,
          `alter table place set schema elsewhere`,
          `insert into elsewhere.place values (1, 7)`,
        ],
        ['7', 'whole'],
      ],
      [
        'disable trigger: ours are on again',
        place,
        [`alter table place disable trigger all`, `insert into place values (1, 7)`],
        ['7', 'whole'],
      ],
      [
        'enable trigger user, which demotes ours',
        place,
        [
          `alter table place enable trigger user`,
          `set local session_replication_role = replica`,
          `insert into place values (1, 7)`,
        ],
        ['7', 'whole'],
      ],
      [
        'disable trigger on a partition',
        part,
        [`alter table part_1 disable trigger all`, `insert into part_1 values (1, 1)`],
        ['1', 'whole'],
      ],
      [
        'an immutable function is replaced',
        place,
        [`create or replace function one() returns int immutable language sql as 'select 1'`],
        ['whole'],
      ],
      [
        'a temporary function is nobody else’s',
        place,
        [`create function pg_temp.one() returns int immutable language sql as 'select 1'`],
        [],
      ],
      [
        'a value of an enumeration is renamed',
        place,
        [`create type mood as enum ('a')`, `alter type mood rename value 'a' to 'b'`],
        ['whole'],
      ],
      ['a function is gone', place, [`drop function meaning.five()`], ['whole']],
      ['a routine is renamed', place, [`alter routine meaning.five() rename to six`], ['whole']],
      [
        'an operator of that name',
        place,
        [`create operator meaning.<> (leftarg = int, rightarg = int, function = meaning.same)`],
        ['whole'],
      ],
      ['an operator is gone', place, [`drop operator meaning.=== (int, int)`], ['whole']],
      ['a collation is gone', place, [`drop collation meaning.plain`], ['whole']],
      ['a collation of that name', place, [`create collation meaning.other from "C"`], ['whole']],
      ['a schema has another name', place, [`alter schema meaning rename to meant`], ['whole']],
      ['a schema is gone, with what is in it', place, [`drop schema meaning cascade`], ['whole']],
      [
        'what no condition means',
        place,
        [
          `create schema unrelated`,
          `create sequence unrelated.s`,
          `create view unrelated.v as select 1`,
          `grant select on place to public`,
          `drop schema unrelated cascade`,
        ],
        [],
      ],
      [
        'another table',
        place,
        [`create table unrelated (a int)`, `alter table unrelated add column b int`, `drop table unrelated`],
        [],
      ],
    ])('%s', async (_, table, statements, expected) => {
      expect(await logged(table, ...statements)).toEqual(expected);
    });

    test('a trigger that is dropped or renamed is there again', async () => {
      const { rows } = await database.client.query(
        `select tgname from pg_trigger where tgrelid = 'place'::regclass and tgname like 'pcache%insert'`,
      );
      const [{ tgname }] = rows as [{ tgname: string }];
      const insert = 'insert into place values (1, 7)';
      expect(await logged(place, `drop trigger ${tgname} on place`, insert)).toEqual(['7', 'whole']);
      const rename = `alter trigger ${tgname} on place rename to other`;
      expect(await logged(place, rename, insert)).toEqual(['7', 'whole']);
    });

    test('cluster and vacuum full change no row', async () => {
      await database.client.query('create index place_by_id on place (id)');
      const act = async (): Promise<void> => {
        await database.client.query('cluster place using place_by_id');
        await database.client.query('vacuum full place');
      };
      expect(await database.changesOf(place, act)).toEqual([]);
    });

    test('detach partition concurrently', async () => {
      const { client } = database;
      await client.query(`create table lists (region_id int) partition by list (region_id);
        create table lists_1 partition of lists for values in (1)`);
      const lists = { 'public.lists': 'region_id' };
      await database.track(lists);
      const changes = await database.changesOf(
        lists,
        'alter table lists detach partition lists_1 concurrently',
      );
      expect(changes).toEqual(['whole']);
    });

    test('a table made anew is another one, which is not tracked until it is installed', async () => {
      const { client } = database;
      await client.query('create table anew (region_id int)');
      const anew = { 'public.anew': 'region_id' };
      await database.track(anew);
      const before = await database.stamp(anew);
      await client.query('drop table anew; create table anew (region_id int)');
      expect(await database.changesSince(before)).toEqual(['whole']);
      expect((await database.stamp(anew)).sources).toEqual([null]);
      await database.track(anew);
      const after = await database.stamp(anew);
      expect(after.sources).not.toEqual(before.sources);
      await client.query('insert into anew values (4)');
      expect(await database.changesSince(after)).toEqual(['4']);
      expect(await database.changesSince(before)).toEqual(['whole']);
    });
  });

  test('every case has left all triggers where they were', async () => {
    const status = await database.tracking.status();
    expect(status?.ddl.isWatching).toBe(true);
    expect(
      status?.sources.filter(
        ({ problems, distrust, isChanged }) => problems.length > 0 || distrust.length > 0 || isChanged,
      ),
    ).toEqual([]);
  });
});
