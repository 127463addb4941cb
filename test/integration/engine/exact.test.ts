import type { Client } from 'pg';
import type { TrackedKey } from '../../../src/engine/database-engine';
import { EngineHarness, multiset } from '../../support/engine-harness';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';

const region: TrackedKey = {
  name: 'region',
  datatype: 'integer',
  maxKeyShare: 1,
  changeLog: trackingSchemaName,
  tables: new Map([
    ['public.place', 'region_id'],
    ['public.visit', 'region_id'],
  ]),
};

const schema = `
  create table place (id int primary key, region_id int not null, population int);
  create table visit (id int primary key, region_id int, guests int);
  insert into place select i, i % 100, i from generate_series(1, 2000) as i;
  insert into visit select i, i % 100, i from generate_series(1, 2000) as i;
  create schema other;
  analyze;
`;

/** Known before anything changes: region 5 by rows 5, 105, …; and nothing at all. */
const single = 'select * from place where population < 6 and population > 4';
const joined =
  'select p.id, v.id from place p join visit v on v.region_id = p.region_id where p.population = 7 and v.guests < 9';
const none = 'select * from place where population < 0';

describeVersions('exact keys', (binaries) => {
  let server: PostgresServer;
  let database: TrackedDatabase;
  let harness: EngineHarness;
  let writer: Client;

  beforeAll(async () => {
    server = await startPostgres({ binaries });
  });
  beforeEach(async () => {
    database = await TrackedDatabase.open(server, schema);
    await database.track({ 'public.place': 'region_id', 'public.visit': 'region_id' });
    harness = await EngineHarness.open(database.connection, [region]);
    writer = await database.connect();
    for (const text of [single, joined, none]) await harness.learn(text);
  });
  afterEach(async () => {
    await writer.end();
    await harness[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await server.stop();
  });

  async function restricted(text: string): Promise<string> {
    const plan = await harness.plan(text);
    if (plan.kind !== 'rewrite') throw new Error(`not restricted: ${JSON.stringify(plan)}`);
    return plan.text;
  }

  /** The restricted forms from before, run now in the client's session, give what the originals give. */
  async function expectSame(texts: ReadonlyMap<string, string>): Promise<void> {
    for (const [text, rewritten] of texts)
      expect({ text, rows: multiset(await harness.run(rewritten)) }).toEqual({
        text,
        rows: multiset(await harness.run(text)),
      });
  }

  async function allRestricted(): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>();
    for (const text of [single, joined, none]) texts.set(text, await restricted(text));
    return texts;
  }

  test('reads the known keys only while nothing has changed', async () => {
    const plan = await harness.run(
      `explain (analyze, costs off, timing off, summary off) ${await restricted(single)}`,
    );
    const lines = plan.rows.join('\n');
    expect(lines).toMatch(/Rows Removed|rows=1\b/);
    expect(lines).toMatch(/One-Time Filter/);
    expect(lines).toMatch(/never executed/);
    await expectSame(await allRestricted());
  });

  const changes: Readonly<Record<string, string>> = {
    'a row inserted for another key': 'insert into place values (9001, 77, 5), (9002, 78, -1), (9003, 79, 7)',
    'a row moved to another key':
      'update place set region_id = 55 where id = 5; update visit set region_id = 66 where id = 7',
    'a row that qualifies now':
      'update place set population = 5 where region_id = 31; update visit set guests = 1 where region_id = 7',
    'a key made NULL':
      'alter table place alter region_id drop not null; update place set region_id = null where id = 5',
    'rows deleted': 'delete from place where id = 5',
    'a table emptied and filled again':
      'truncate place; insert into place select i, 40 + i, i from generate_series(1, 20) as i',
    'rows copied in one statement with a conflict':
      'insert into place values (5, 61, 5) on conflict (id) do update set region_id = excluded.region_id',
    'a writable CTE': 'with w as (insert into place values (9004, 12, 5) returning 1) select * from w',
    'a merge': `merge into place p using (values (5, 90), (9005, 91)) as s (id, r) on p.id = s.id
                when matched then update set region_id = s.r when not matched then insert values (s.id, s.r, 5)`,
    'a table replaced by another of its name':
      'alter table place rename to place_old; create table place as select id, region_id + 1 as region_id, population from place_old',
    'a trigger disabled': 'alter table place disable trigger user; insert into place values (9006, 13, 5)',
    'a role that fires no triggers': `set session_replication_role = replica; insert into place values (9007, 14, 5); reset session_replication_role`,
    'a partition attached':
      'create table extra (id int not null, region_id int not null, population int); insert into extra values (9008, 15, 5); alter table extra inherit place',
    'a function replaced under a condition':
      'create function public.nothing() returns int language sql as $$ select 1 $$',
  };

  test.each(Object.entries(changes))('%s', async (_, change) => {
    const before = await allRestricted();
    await writer.query(change);
    await expectSame(before);
  });

  test('what hides a table', async () => {
    await harness.client.query('set search_path = other, public');
    await harness.learn(single);
    const before = new Map([[single, await restricted(single)]]);
    await writer.query(
      'create table other.place as select id, region_id + 20 as region_id, population from public.place',
    );
    await expectSame(before);
  });

  test('what hides a table once its schema may be used: GRANT is no change of the session’s own', async () => {
    await writer.query(`
      create role client_of_${database.connection.database};
      grant select on place to client_of_${database.connection.database};
      create schema late;
      create table late.place as select id, region_id + 20 as region_id, population from public.place;
      grant select on late.place to client_of_${database.connection.database}`);
    await harness.client.query(
      `set role client_of_${database.connection.database}; set search_path = late, other, "not ""there", public`,
    );
    await harness.refreshCatalog();
    await harness.learn(single);
    const before = new Map([[single, await restricted(single)]]);
    await expectSame(before);
    await harness.client.query('create temporary table t ()');
    const plan = await harness.run(`explain (analyze, costs off) ${before.get(single) ?? ''}`);
    expect(plan.rows.join('\n')).toMatch(/never executed/);
    await writer.query(`grant usage on schema late to client_of_${database.connection.database}`);
    await expectSame(before);
    expect(await harness.run(single)).not.toMatchObject({ rowCount: 0 });
  });

  test('changes of its own transaction, undone in part', async () => {
    const before = await allRestricted();
    const { client } = harness;
    await client.query('begin');
    await client.query('insert into place values (9001, 77, 5)');
    await expectSame(before);
    await client.query('savepoint s');
    await client.query('update place set region_id = 78 where id = 5');
    await expectSame(before);
    await client.query('rollback to savepoint s');
    await expectSame(before);
    await client.query('rollback');
    await expectSame(before);
  });

  test('a transaction that others change under', async () => {
    const before = await allRestricted();
    await writer.query('begin');
    await writer.query('insert into place values (9001, 77, 5)');
    await expectSame(before);
    await writer.query('commit');
    await expectSame(before);
  });

  test.each(['repeatable read', 'serializable'])(
    'a %s snapshot older than the entries',
    async (isolation) => {
      await harness.client.query(`begin isolation level ${isolation}`);
      await harness.run('select count(*) from place');
      await writer.query(
        'update place set region_id = 91 where id = 5; update visit set region_id = 92 where id = 7',
      );
      const learner = await EngineHarness.open(database.connection, [region]);
      try {
        for (const text of [single, joined]) await learner.learn(text);
        const texts = new Map<string, string>();
        for (const text of [single, joined]) {
          const plan = await learner.plan(text);
          if (plan.kind !== 'rewrite') throw new Error(JSON.stringify(plan));
          texts.set(text, plan.text);
        }
        await expectSame(texts);
      } finally {
        await learner[Symbol.asyncDispose]();
      }
      await harness.client.query('commit');
    },
  );

  const unseen: Readonly<Record<string, string>> = {
    'tables that swap their names':
      'alter table place rename to place_old; alter table place_new rename to place',
    'a column that is another of its name':
      'alter table place drop column population; alter table place add column population int default 5',
    'rows that are copied frozen':
      "begin; truncate place; copy place from program 'echo 5,88,5' with (format csv, freeze); commit",
    'a partition that was there before': 'alter table extra inherit place',
    'a function that its condition calls':
      'create or replace function public.limit_of() returns int immutable language sql as $$ select 0 $$',
  };

  /** DDL takes effect in snapshots that are older than it. */
  test.each(Object.entries(unseen))('%s, unseen by a transaction at REPEATABLE READ', async (_, change) => {
    await writer.query(`
      create table place_new as select id, (region_id + 30) % 100 as region_id, population from place;
      create table extra (id int not null, region_id int not null, population int);
      insert into extra values (9008, 15, 5);
      create function public.limit_of() returns int immutable language sql as $$ select 4 $$`);
    await harness.refreshCatalog();
    const called = 'select * from place where population < 6 and population > public.limit_of()';
    await harness.learn(called);
    const { client } = harness;
    await client.query('begin isolation level repeatable read');
    await client.query('select count(*) from visit');
    const before = new Map([
      [single, await restricted(single)],
      [called, await restricted(called)],
    ]);
    await writer.query(change);
    await expectSame(before);
    // So do those that are made when the catalog has been read again.
    await harness.refreshCatalog();
    const after = new Map([[single, await restricted(single)]]);
    await expectSame(after);
    await client.query('rollback');
  });

  const renamed: Readonly<Record<string, string>> = {
    'a function that is dropped': 'drop function other.limit_of()',
    'an operator that is made anew':
      'drop operator other.=== (int, int); create operator other.=== (leftarg = int, rightarg = int, function = other.off)',
    'schemas that swap their names':
      'alter schema other rename to former; alter schema another rename to other',
  };

  /** Once the catalog is read again, the same text is understood anew; what was learned of it is not. */
  test.each(Object.entries(renamed))('%s: its name means another one', async (_, change) => {
    await writer.query(`
      create schema another;
      create function other.limit_of() returns int immutable language sql as $$ select 4 $$;
      create function another.limit_of() returns int immutable language sql as $$ select 84 $$;
      create function public.limit_of() returns int immutable language sql as $$ select 74 $$;
      create function other.same(int, int) returns bool immutable language sql as $$ select $1 operator(pg_catalog.=) $2 $$;
      create function other.off(int, int) returns bool immutable language sql as $$ select $1 operator(pg_catalog.=) ($2 operator(pg_catalog.+) 20) $$;
      create operator other.=== (leftarg = int, rightarg = int, function = other.same)`);
    await harness.client.query('set search_path = other, public');
    await harness.refreshCatalog();
    const texts = [
      'select * from place where population = limit_of() + 1',
      'select * from place where population === 5',
    ].filter((text) => !text.includes('===') || change.includes('==='));
    for (const text of texts) await harness.learn(text);
    for (const text of texts) expect(multiset(await harness.run(await restricted(text)))).toHaveLength(1);
    await writer.query(change);
    await harness.refreshCatalog();
    for (const text of texts) {
      const plan = await harness.plan(text);
      const rows = multiset(await harness.run(plan.kind === 'rewrite' ? plan.text : text));
      expect({ text, rows }).toEqual({ text, rows: multiset(await harness.run(text)) });
    }
  });

  test('a cursor opened before a write', async () => {
    const rewritten = await restricted(single);
    const { client } = harness;
    await client.query('begin');
    await client.query(`declare original cursor for ${single}; declare restricted cursor for ${rewritten}`);
    await client.query(
      'update place set region_id = 91 where id = 5; insert into place values (9001, 77, 5)',
    );
    expect((await client.query('fetch all from restricted')).rows).toEqual(
      (await client.query('fetch all from original')).rows,
    );
    await client.query('rollback');
  });

  test('a table that a crash would empty, unnoticed, is no part of a condition', async () => {
    const without = `select * from place p where population < 50 and not exists (select from visit v where v.region_id = p.region_id and v.guests < 9)`;
    const statusOf = async (): Promise<string | undefined> => {
      const learned = await harness.learn(without, undefined, 'note');
      const { hash } = learned.find(({ conjuncts }) => conjuncts.some(({ reads }) => reads)) ?? {};
      return hash && (await harness.backend.get('region', hash))?.status;
    };
    await writer.query('alter table visit set unlogged');
    await harness.refreshCatalog();
    expect(await statusOf()).toBe('failed');
    await harness.learn('select * from visit where guests = 3');
    await harness.forget(region);
    await writer.query('alter table visit set logged');
    await harness.refreshCatalog();
    expect(await statusOf()).toBe('ok');
  });

  test('a table that is not tracked leaves no entry, and says so', async () => {
    await database.tracking.remove(({ table }) => table === 'visit');
    const failed = await harness.learn('select * from visit where guests = 3', undefined, 'note');
    expect(failed).toHaveLength(1);
    const entry = await harness.backend.get('region', failed[0]?.hash ?? ('' as never));
    expect(entry).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/changes of public\.visit are not tracked/),
    });
  });
});
