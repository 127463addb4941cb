import { regionSchema, RuleBench, trackedKey } from '../../support/rule-bench';

const key = trackedKey('region', 'integer', {
  'public.place': 'region_id',
  'public.region': 'region_id',
  'public.shop': 'region_id',
});

const schema = `${regionSchema}
  create table shop (id int primary key, region_id int, place_id int, size int, kind text, rent numeric, weight float8);
  insert into shop
    select i, i % 40 + 1, i * 7, i * 31 % 200, 'k' || i % 29, i / 4.0, i / 8.0 from generate_series(1, 280) as i;
  update shop set kind = null where id = 77;
  create function none_of(shop) returns setof int immutable language sql as $$ select $1.id where false $$;
  create table quiet (region_id int, ratio int);
  analyze;
`;

describe('sub-selects over tracked tables', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const alone = (condition: string): string => `select p.id from place p where ${condition}`;

  test.each([
    ['IN', `p.id in (select s.place_id from shop s where s.size < 5)`],
    ['NOT IN', `p.population < 50 and p.id not in (select place_id from shop where size < 150)`],
    ['NOT IN with a NULL, which no row survives', `p.kind not in (select kind from shop)`],
    ['= ANY', `p.id = any (select place_id from shop where size < 5)`],
    ['>= ALL', `p.id >= all (select id + 1700 from shop)`],
    ['EXISTS that refers to the row', `exists (select from shop s where s.place_id = p.id and s.size < 9)`],
    ['NOT EXISTS', `p.population < 90 and not exists (select * from shop s where s.kind = p.kind)`],
    ['on the key', `p.region_id in (select region_id from shop where size < 4)`],
    [
      'on the key of the row',
      `p.population < 99 and exists (select 1 from shop s where s.region_id = p.region_id and s.size < 4)`,
    ],
    ['a maximum', `p.id < (select max(size) from shop where kind = 'k3') - 150`],
    [
      'a count for each row',
      `(select count(*) from shop s where s.region_id = p.region_id and s.size > p.population) > 6`,
    ],
    ['an average of integers', `p.population = (select avg(size) from shop where id = 7)`],
    ['the value of one row', `p.population = (select size from shop where id = 7)`],
    [
      'a join inside',
      `p.id in (select s.place_id from shop s join region r on r.region_id = s.region_id where r.name = 'r7')`,
    ],
    [
      'one in another',
      `p.id in (select place_id from shop where kind in (select kind from shop where size < 2))`,
    ],
    [
      'one in another that refers to both',
      `exists (select from shop s where s.place_id = p.id and exists (select from region r where r.region_id = s.region_id and r.region_id < p.population))`,
    ],
    ['under OR', `p.id = 5 or p.id in (select place_id from shop where size < 5)`],
    [
      'in CASE',
      `case when p.id < 1000 then p.id in (select place_id from shop where size < 5) else false end`,
    ],
    ['the same table inside and outside', `p.population = (select max(population) from place)`],
    [
      'names that both have',
      `exists (select 1 from shop where kind = p.kind and region_id = p.region_id and id < 40)`,
    ],
    ['an alias that hides the outer one', `p.id in (select p.place_id from shop p where p.size < 5)`],
  ])('applies: %s', async (_title, condition) => {
    const text = alone(condition);
    await bench.harness.forget(key);
    const fragments = await bench.harness.learn(text);
    expect(fragments.some(({ conjuncts }) => conjuncts.some(({ reads }) => reads !== undefined))).toBe(true);
    await bench.applies(text);
  });

  // It is no condition on any table of the block.
  test('leaves out: EXISTS that refers to no row', async () => {
    const fragments = await bench.harness.learn(
      alone(`p.population < 5 and exists (select 1 from shop s where s.size = 31)`),
    );
    expect(fragments.every(({ conjuncts }) => conjuncts.length === 1)).toBe(true);
  });

  test('applies: what a fragment reads besides is known', async () => {
    const text = alone(`p.id in (select s.place_id from shop s join region r using (region_id))`);
    expect(await bench.harness.learn(text)).toEqual([]);
    const other = alone(`p.id in (select s.place_id from shop s join region r on r.region_id = s.region_id)`);
    const [fragment] = await bench.harness.learn(other);
    expect(fragment?.conjuncts[0]?.reads).toEqual(['public.region', 'public.shop']);
  });

  test('applies: one fragment for sub-selects that mean the same', async () => {
    await bench.harness.learn(alone(`p.id in (select s.place_id from shop s where s.size < 3 and s.id > 7)`));
    const same = alone(
      `P.id = any (select /* those */ x.place_id from public.shop as x where (7 < x.id) and 3 > size)`,
    );
    expect(await bench.harness.plan(same)).toMatchObject({ kind: 'rewrite' });
    const another = alone(`p.id in (select s.place_id from shop s where s.size < 3 and s.id > 8)`);
    expect(await bench.harness.plan(another)).toMatchObject({ kind: 'forward' });
  });

  test.each([
    ['a table that is not tracked', `p.id in (select place_id from note)`],
    ['LIMIT, which may take any', `p.id in (select place_id from shop limit 3)`],
    ['GROUP BY', `p.id in (select place_id from shop group by place_id)`],
    ['a set operation', `p.id in (select place_id from shop union select 5)`],
    ['a sum of floats, which depends on their order', `p.lat < (select sum(weight) from shop)`],
    ['an array, in any order', `p.id = any (array(select place_id from shop))`],
    [
      'an outer join',
      `p.id in (select s.place_id from shop s left join region r on r.region_id = s.region_id)`,
    ],
    ['a function of several rows in its list', `exists (select generate_series(1, s.size) from shop s)`],
    [
      'one that is written like a column',
      `not exists (select s.none_of from shop s where s.place_id = p.id)`,
    ],
    ['an aggregate in EXISTS, which has a row of none', `exists (select max(size) from shop where size < 0)`],
    ['a CTE', `p.id in (with s as (select 5 as x) select x from s)`],
    ['a CTE that hides the table', `p.id in (with shop as (select 5 as place_id) select place_id from shop)`],
    ['what changes by the hour', `p.id in (select s.place_id from shop s where now() > '2020-01-01')`],
    [
      'FETCH FIRST WITH TIES',
      `p.id in (select place_id from shop order by size fetch first 2 rows with ties)`,
    ],
  ])('leaves out: %s', async (_title, condition) => {
    const text = `select p.id from place p where p.population < 20 and (${condition})`;
    const fragments = await bench.harness.learn(text);
    expect(
      fragments.flatMap(({ conjuncts }) => conjuncts.filter(({ reads }) => reads !== undefined)),
    ).toEqual([]);
    await bench.applies(text);
  });

  describe('errors (S12)', () => {
    test.each([
      ['IN', `p.population < 50 and p.id in (select s.place_id from shop s where s.size < 5)`],
      [
        'EXISTS that refers to the row',
        `p.population < 50 and exists (select from shop s where s.place_id = p.id)`,
      ],
      ['a maximum', `p.population < (select max(size) from shop where kind = 'k3')`],
    ])('applies anywhere: %s', async (_title, condition) => {
      expect((await bench.applies(alone(condition))).mustRetryOnError).toBe(false);
    });

    test.each([
      [
        'one that may have several rows',
        `p.population < 50 and p.id > (select s.id from shop s where s.size = 31)`,
      ],
      [
        'a division inside',
        `p.population < 50 and exists (select from shop s where 100 / (s.id + p.id) > 0)`,
      ],
      ['a division that is selected', `p.population < 50 and p.id in (select 100 / s.id from shop s)`],
    ])('refuses where the session cannot try again: %s', async (_title, condition) => {
      expect((await bench.restricted(alone(condition))).mustRetryOnError).toBe(true);
    });
  });
});
