import { DatabaseError, type Client } from 'pg';
import type { TrackedKey } from '../../../src/engine/database-engine';
import type { RewritePlan } from '../../../src/engine/engine';
import { guardSqlState } from '../../../src/freshness/fresh-keys';
import { EngineHarness, multiset } from '../../support/engine-harness';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';
import { until } from '../../support/until';

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

/** A partition for each of twelve regions, and four of many each. */
const schema = `
  create table place (id int, region_id int not null, population int, primary key (id, region_id)) partition by list (region_id);
  create table visit (id int, region_id int not null, guests int, primary key (id, region_id)) partition by hash (region_id);
  do $$ begin
    for i in 0..11 loop execute format('create table place_%s partition of place for values in (%s)', i, i); end loop;
    for i in 0..3 loop execute format('create table visit_%s partition of visit for values with (modulus 4, remainder %s)', i, i); end loop;
  end $$;
  insert into visit select i, i % 12, i from generate_series(0, 239) as i;
  analyze;
`;

const single = 'select * from place where population > 4 and population < 7';
const rows = 'delete from place; insert into place select i, i % 12, i from generate_series(0, 239) as i';
/** By name: what a statement ends with decides where the guard is put. */
const texts: Readonly<Record<string, string>> = {
  single,
  count: 'select count(*) from place where population > 4 and population < 7',
  empty: 'select count(*), sum(population) from place where population < 0',
  'a key that is not there': 'select count(*) from place where population < 0 and region_id = 11',
  joined:
    'select p.id, v.id from place p join visit v on v.region_id = p.region_id where p.population = 7 and v.guests < 9',
  'semicolon and comment': `${single} ; -- to be continued`,
  'ordered and limited': `${single} order by id desc limit 1`,
  'with ties': `${single} order by id fetch first 1 row with ties`,
  'in parentheses': `(${single})`,
  union: `${single} union all ${single.replace('4', '5')} order by 1`,
  cte: `with p as (${single}) select count(*) from p`,
  'below an aggregate': `select (select max(population) from place where population < 7 and population > 4), 1 as one`,
  grouped: `select region_id, count(*) from place where population < 40 and population > 35 group by region_id having count(*) > 0 order by 1`,
};

describeVersions('constant keys with a guard', (binaries) => {
  let server: PostgresServer;
  let database: TrackedDatabase;
  let harness: EngineHarness;
  let writer: Client;

  beforeAll(async () => {
    server = await startPostgres({ binaries, settings: { max_locks_per_transaction: 256 } });
    database = await TrackedDatabase.open(server, schema);
    await database.track({ 'public.place': 'region_id', 'public.visit': 'region_id' });
    writer = await database.connect();
  });
  afterAll(async () => {
    await writer.end();
    await database[Symbol.asyncDispose]();
    await server.stop();
  });
  beforeEach(async () => {
    await writer.query(rows);
    harness = await EngineHarness.open(database.connection, [region]);
    for (const text of Object.values(texts)) await harness.learn(text);
  });
  afterEach(() => harness[Symbol.asyncDispose]());

  const planned = async (text: string, canRetry = true): Promise<RewritePlan> => {
    const plan = await harness.plan(text, undefined, canRetry, canRetry);
    if (plan.kind !== 'rewrite') throw new Error(`not restricted: ${JSON.stringify(plan)}`);
    return plan;
  };
  const guarded = async (text: string): Promise<string> => {
    const plan = await planned(text);
    expect(plan).toMatchObject({ mustRetryOnError: true, restriction: { isGuarded: true } });
    return plan.text;
  };
  /** Rows, or that the guard did not let it go on. */
  const outcomeOf = (text: string): Promise<readonly string[] | 'stopped'> =>
    harness.run(text).then(multiset, (error: unknown) => {
      if (!(error instanceof DatabaseError) || error.code !== guardSqlState) throw error;
      return 'stopped' as const;
    });
  const report = (text: string, plan: RewritePlan): void => {
    harness.engine.completed({
      ...{
        statement: harness.engine.inspect(text),
        plan,
        elapsedMs: 1,
        isTimed: true,
        isContextCertain: true,
      },
      ...{ outcome: 'fellBack', givenUpFor: guardSqlState, context: undefined },
    });
  };

  test('the rows of the original, until something changes', async () => {
    const all = new Map<string, string>();
    for (const text of Object.values(texts)) all.set(text, await guarded(text));
    for (const [text, rewritten] of all)
      expect({ text, rows: await outcomeOf(rewritten) }).toEqual({
        text,
        rows: multiset(await harness.run(text)),
      });
    await writer.query(
      'insert into place values (700, 9, 5), (701, 8, -1), (702, 11, -1), (703, 10, 7), (704, 9, 38)',
    );
    for (const [text, rewritten] of all)
      expect({ text, outcome: await outcomeOf(rewritten) }).toEqual({ text, outcome: 'stopped' });
  });

  test('partitions are left out while planning', async () => {
    const plan = await harness.run(`explain (costs off) ${await guarded(single)}`);
    const scans = plan.rows.join('\n').match(/Scan on place_\d+/g) ?? [];
    expect(scans.length).toBeGreaterThan(0);
    expect(scans.length).toBeLessThan(4);
  });

  test('workers help as they would without a guard', async () => {
    await harness.client.query(
      'set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0; set parallel_tuple_cost = 0',
    );
    const plan = await harness.run(`explain (costs off) ${await guarded(texts['count'] ?? '')}`);
    expect(plan.rows.join('\n')).toMatch(/Gather/);
  });

  test('keys without a partition: the planner knows that there are no rows, and the guard is asked all the same', async () => {
    const text = texts['empty'] ?? '';
    const rewritten = await guarded(text);
    const plan = await harness.run(`explain (costs off) ${rewritten}`);
    expect(plan.rows.join('\n')).toMatch(/One-Time Filter: false/);
    expect(await outcomeOf(rewritten)).toEqual(multiset(await harness.run(text)));
    await writer.query('insert into place values (700, 9, -5)');
    expect(await outcomeOf(rewritten)).toBe('stopped');
  });

  test('of its own transaction, and of one that began before', async () => {
    const rewritten = await guarded(single);
    const { client } = harness;
    await client.query('begin isolation level repeatable read');
    await client.query('insert into place values (900, 9, 5)');
    expect(await outcomeOf(rewritten)).toBe('stopped');
    await client.query('rollback');
    await client.query('begin isolation level repeatable read; select 1 from visit');
    await writer.query('insert into place values (900, 9, 5)');
    expect(await outcomeOf(rewritten)).toEqual(multiset(await harness.run(single)));
    await client.query('rollback');
    expect(await outcomeOf(rewritten)).toBe('stopped');
  });

  test('a change of a key that is among the constants does not stop it', async () => {
    const rewritten = await guarded(single);
    await writer.query('insert into place values (900, 5, 6); delete from place where id = 6');
    expect(await outcomeOf(rewritten)).toEqual(multiset(await harness.run(single)));
  });

  test('stopped, it knows what has changed; stopped again and again, it is left for a while', async () => {
    const plan = await planned(single);
    await writer.query('insert into place values (900, 9, 5)');
    expect(await outcomeOf(plan.text)).toBe('stopped');
    report(single, plan);
    await until('what has changed is known', async () => {
      const next = await guarded(single);
      return next !== plan.text && (await outcomeOf(next)) !== 'stopped';
    });
    expect(await outcomeOf(await guarded(single))).toEqual(multiset(await harness.run(single)));
    for (let i = 0; i < 8; i++) report(single, plan);
    const paused = await planned(single);
    expect(paused.restriction.isGuarded).toBe(false);
    expect(multiset(await harness.run(paused.text))).toEqual(multiset(await harness.run(single)));
  });

  test('not where the session cannot run the original unseen, nor where there is no place for it', async () => {
    expect((await planned(single, false)).restriction.isGuarded).toBe(false);
    for (const text of [
      `${single} offset 1`,
      `explain ${single}`,
      `${single}; select 1`,
      `create table t as ${single}`,
    ]) {
      await harness.learn(text);
      expect({ text, isGuarded: (await planned(text)).restriction.isGuarded }).toEqual({
        text,
        isGuarded: false,
      });
    }
  });

  const changes: Readonly<Record<string, string>> = {
    'a row of another key': 'insert into place values (900, 9, 5)',
    'a row moved to another partition': 'update place set region_id = 10 where id = 5',
    'a direct write to a partition': 'insert into place_11 values (901, 11, 6)',
    'everything at once':
      'truncate place; insert into place select i, i % 12, i + 5 from generate_series(0, 239) i',
    'a partition attached': `create table more (id int not null, region_id int not null, population int); insert into more values (902, 40, 5);
      alter table place attach partition more for values in (40)`,
    'a partition detached and another attached': `alter table place detach partition place_5; alter table place_5 rename to was_5;
      create table place_5 partition of place for values in (5); insert into place values (903, 5, 6), (904, 10, 6)`,
    'NOT NULL dropped':
      'alter table place drop constraint place_pkey; alter table place alter region_id drop not null; create table place_null partition of place for values in (null); insert into place values (905, null, 5)',
  };
  test.each(Object.entries(changes))('%s is not lost', async (_, change) => {
    const before = new Map<string, string>();
    for (const text of Object.values(texts)) before.set(text, await guarded(text));
    await writer.query(change);
    let stopped = 0;
    for (const [text, rewritten] of before) {
      const outcome = await outcomeOf(rewritten);
      if (outcome === 'stopped') stopped++;
      else expect({ text, rows: outcome }).toEqual({ text, rows: multiset(await harness.run(text)) });
    }
    expect(stopped).toBeGreaterThan(0);
  });

  test('without the function, as before', async () => {
    await writer.query('drop function pcache.zero_if(boolean)');
    await harness.refreshCatalog();
    expect((await planned(single)).restriction.isGuarded).toBe(false);
  });
});
