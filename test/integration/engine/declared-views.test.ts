import { describeVersions } from '../../support/postgres-versions';
import { regionSchema, RuleBench, trackedKey } from '../../support/rule-bench';

const views = [
  'chosen', 'united', 'nested', 'optional', 'barrier', 'kept', 'clock', 'whoever', 'random_rows', 'limited', 'sampled', 'secret', 'invoker',
  'grouped', 'distinct_rows', 'ranked', 'recursive_rows', 'system', 'whole', 'locked', 'plain_sql', 'over_catalog', 'over_clock', 'sorted',
  'set_rows', 'listed', 'folded',
]; // prettier-ignore

const key = trackedKey('region', 'integer', {
  'public.place': 'region_id',
  'public.region': 'region_id',
  ...Object.fromEntries(views.map((view) => [`public.${view}`, 'region_id'])),
});

const schema = `${regionSchema}
  create view chosen as select id, region_id, kind, population from place where population < 900;
  create view inner_rows as select * from place where kind like 'k1%';
  create view nested as select * from inner_rows where population between 100 and 900;
  create view united as
    select region_id, population, 'a' as source from place where kind = 'k1' union all select region_id, 5, 'b' from region;
  create view optional as
    select p.id, r.region_id, coalesce(p.population, 0) as population, case when p.id > 9 then 'late' else 'early' end as age
      from place p left join region r on r.region_id = p.region_id and r.name <> 'r3'
     where p.kind in ('k1', 'k2') and exists (select from note n where n.place_id = p.id);
  create view barrier with (security_barrier) as select * from place where population < 900;
  create view undeclared as select * from place;
  create materialized view kept as select * from place where population < 900;

  create view clock as select * from place where now() > '2000-01-01';
  create view over_clock as select * from clock;
  create view whoever as select * from place where current_user <> kind;
  create view random_rows as select * from place where random() < 2;
  create view limited as select * from place limit 1000;
  create view sampled as select * from place tablesample system (100);
  create table hidden (id int, region_id int, population int);
  alter table hidden enable row level security;
  create view secret as select * from hidden;
  create view invoker with (security_invoker) as select * from place;
  create view grouped as select region_id, count(*) as population from place group by region_id;
  create view distinct_rows as select distinct region_id, population from place;
  create view ranked as select region_id, row_number() over () as population from place;
  create view recursive_rows as with recursive c as (select 1 as region_id, 2 as population) select * from c;
  create view system as select region_id, population, ctid from place;
  create view whole as select region_id, population, p from place p;
  create view locked as select * from place for share;
  create function doubled(int) returns int immutable language sql as 'select $1 * 2';
  create view plain_sql as select region_id, doubled(population) as population from place;
  create view over_catalog as select relnatts::int as region_id, relpages as population from pg_class;
  create view sorted as select * from place order by id;
  create view set_rows as select region_id, generate_series(1, population) as population from place;
  create view listed as select region_id, (array(select n.id from note n))[1] as population from place;
  create view folded as select region_id, population from place intersect select region_id, 5 from region;
  analyze;
`;

describeVersions('views of the configuration', (binaries) => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], schema, { binaries });
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    ['a selection of rows', `select * from chosen v where v.population < 20`],
    ['UNION ALL', `select * from united v where v.population < 6 and v.source = 'a'`],
    ['a view over a view', `select v.id from nested v where v.population < 120`],
    ['an outer join inside', `select * from optional v where v.population < 40 and v.age = 'late'`],
    ['a security barrier', `select v.id from barrier v where v.population < 20`],
    ['a materialized view', `select v.id from kept v where v.population < 20`],
    [
      'a join with a table',
      `select v.id, r.name from chosen v join region r using (region_id) where v.population < 20 and r.name < 'r3'`,
    ],
    [
      'a join with itself',
      `select v.id from chosen v, chosen w where v.region_id = w.region_id and v.population < 9 and w.population < 20`,
    ],
    [
      'a derived table',
      `select * from (select region_id from chosen where population < 20) d where d.region_id > 3`,
    ],
  ])('applies: %s', async (_title, text) => {
    await bench.harness.forget(key);
    await bench.applies(text);
  });

  test('a row without a key is let through, though the table of the view says NOT NULL', async () => {
    const text = `select * from optional v where v.population < 990 and v.age = 'late'`;
    const plan = await bench.applies(text);
    expect(plan.text).toContain('IS NULL');
    const { rows } = await bench.harness.run(text);
    expect(rows.some(([, regionId]) => regionId === null)).toBe(true);
  });

  test.each([
    ['now()', 'clock'],
    ['a view over one that is left alone', 'over_clock'],
    ['current_user', 'whoever'],
    ['a volatile function', 'random_rows'],
    ['LIMIT', 'limited'],
    ['TABLESAMPLE', 'sampled'],
    ['row-level security of a table in it', 'secret'],
    ['security_invoker', 'invoker'],
    ['GROUP BY', 'grouped'],
    ['DISTINCT', 'distinct_rows'],
    ['a window function', 'ranked'],
    ['WITH RECURSIVE', 'recursive_rows'],
    ['a system column', 'system'],
    ['a whole row', 'whole'],
    ['FOR SHARE', 'locked'],
    ['a function in SQL', 'plain_sql'],
    ['a system catalog', 'over_catalog'],
    ['ORDER BY', 'sorted'],
    ['a set in SELECT', 'set_rows'],
    ['an array of rows in no order', 'listed'],
    ['INTERSECT', 'folded'],
    ['a view that is not declared', 'undeclared'],
  ])('refuses: %s', async (_title, view) => {
    await bench.refuses(`select v.region_id from ${view} v where v.population < 20`, 'view');
  });

  test('refuses: in a transaction block, where what the view evaluates could raise', async () => {
    const text = `select * from chosen v where v.population < 21`;
    await bench.applies(text);
    expect(await bench.harness.plan(text, undefined, false)).toMatchObject({ reason: 'may raise an error' });
  });

  test('a condition over a view in a sub-select takes no part', async () => {
    const text = `select id from place p where p.population < 40 and p.id in (select v.id from chosen v where v.kind = 'k1')`;
    const fragments = await bench.harness.learn(text);
    expect(
      fragments
        .flatMap(({ conjuncts }) => conjuncts.map(({ reads }) => reads))
        .every((reads) => reads === undefined),
    ).toBe(true);
    await bench.applies(text);
  });

  test('refuses: INSERT into a declared view', async () => {
    await bench.refuses(
      `insert into chosen select * from place where population < 0`,
      'writes a tracked table',
    );
  });

  describe('what was learned of a view is not used when it has changed', () => {
    const text = `select v.id from nested v where v.population < 130`;
    const original = `select * from inner_rows where population between 100 and 900`;

    afterEach(async () => {
      await bench.define(`
        create or replace view inner_rows as select * from place where kind like 'k1%';
        drop view nested;
        create view nested as ${original}`);
    });

    test.each([
      [
        'CREATE OR REPLACE VIEW',
        `create or replace view nested as select * from inner_rows where population < 900`,
      ],
      ['CREATE OR REPLACE VIEW of one it reads', `create or replace view inner_rows as select * from place`],
      ['ALTER VIEW', `alter view nested set (security_barrier)`],
      [
        'names of columns that were swapped',
        `alter view nested rename column id to spare; alter view nested rename column population to id;
         alter view nested rename column spare to population`,
      ],
    ])('%s', async (_title, change) => {
      await bench.harness.forget(key);
      await bench.applies(text);
      await bench.define(change);
      expect(await bench.harness.plan(text)).toMatchObject({ kind: 'forward', reason: 'miss' });
      await bench.applies(text);
    });

    test('nor when it has changed back: key sets may have been read in between', async () => {
      await bench.harness.forget(key);
      await bench.applies(text);
      // Behind the back of the engine, which goes on to learn what it takes for the old definition.
      await bench.harness.client.query(
        `create or replace view nested as select * from inner_rows where population = 0`,
      );
      await bench.harness.forget(key);
      await bench.harness.learn(text);
      await bench.define(`create or replace view nested as ${original}`);
      expect(await bench.harness.plan(text)).toMatchObject({ kind: 'forward', reason: 'miss' });
      await bench.applies(text);
    });

    test('a definition that is not looked into any more is left alone', async () => {
      await bench.applies(text);
      await bench.define(
        `create or replace view nested as select * from inner_rows where now() > '2000-01-01'`,
      );
      await bench.refuses(text, 'view');
    });
  });
});
