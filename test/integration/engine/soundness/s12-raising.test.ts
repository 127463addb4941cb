import { regionKey, regionSchema, RuleBench, trackedKey } from '../../../support/rule-bench';

const key = trackedKey('region', 'integer', {
  ...Object.fromEntries(regionKey.tables),
  'public.reading': 'region_id',
  'public.quotient': 'share_id',
});

const schema = `${regionSchema}
  alter table place add column words text[], add column documents json[], add column area box, add column flag bool,
    add column swedish text collate "sv-x-icu", add column danish text collate "da-x-icu";
  update place set words = array[kind], documents = array['{}'::json], area = box(point(0, 0), point(id, 1)),
    swedish = kind, danish = kind, flag = id % 2 = 0;
  create collation case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  alter table place add column loose text collate case_blind;
  update place set loose = kind;
  create schema mine;
  create aggregate mine.sum(int4) (sfunc = int4div, stype = int4, initcond = '1');
  create function is_fit(place) returns boolean immutable language sql as $$ select 100 / ($1.lat + 1) > 0 $$;
  create function fitness(note) returns int immutable language sql as $$ select 1 / ($1.weight + 1) $$;
  alter table place add column ratio int generated always as (100 / (population + 1)) virtual;
  create table ratio (region_id int, x int, share int generated always as (100 / x) virtual);
  insert into ratio (region_id, x) values (1, 1);
  create table quotient (id int, x int, v int, share_id int generated always as (40 / x) virtual);
  insert into quotient select i, i % 20, i % 10 from generate_series(1, 400) as i;
  create table reading (id int, region_id int not null, size int, ratio int);
  insert into reading select i, 1 + i % 40 + 10, 100, 1 from generate_series(1, 40000) as i;
  insert into reading select i, 7, 1 + i * 7919 % 8, 1 from generate_series(1, 1000) as i;
  insert into reading select i, 1 + i % 40 + 10, 1 + i * 7919 % 8, -1 from generate_series(1, 6000) as i;
  insert into reading select i, 7, 100, 0 from generate_series(1, 100) as i;
  create index on reading (size);
  create index on reading (region_id);
  analyze;
`;

describe('rule S12: conjuncts that can raise', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const where = (condition: string): string =>
    `select id from place p where population < 50 and ${condition}`;

  test.each([
    ['comparisons', where(`lat <> 3 and kind > 'k1' and id is not null`)],
    ['comparisons within a family of types', where(`population < lat and lat >= 5000000000`)],
    ['boolean logic', where(`not (flag or kind = 'k1') and flag is not true`)],
    [
      'IN, BETWEEN, = ANY, IS DISTINCT FROM',
      where(
        `kind in ('k1', 'k2') and id between 1 and 1500 and lat = any ('{1,2,3,4,5}') and kind is distinct from 'k3'`,
      ),
    ],
    ['LIKE', where(`kind like 'k1%' and kind not ilike '%5'`)],
    ['a regular expression', where(`kind ~ '^k[0-4]'`)],
    ['functions of text', where(`lower(kind) = 'k1' and length(kind) < 9`)],
    ['what is folded while planning', where(`id > 10 / 5`)],
    ['arrays of comparable elements', where(`words = array['k1']`)],
    ['a cast to the type it has', where(`id::int4 > 5`)],
    ['columns of one collation', where(`swedish <> kind and danish < 'k5'`)],
    ['EXISTS of a block of its own', where(`exists (select 1 from region r where r.name = 'r3')`)],
    [
      'an error in the select list, on rows that are the same',
      `select 1 / (lat - lat + 1) from place where population < 50`,
    ],
    [
      'a nested aggregate',
      `select * from (select region_id, count(*), max(kind) from place where population < 50 group by region_id) d`,
    ],
  ])('applies anywhere: %s', async (_title, text) => {
    expect((await bench.applies(text)).mustRetryOnError).toBe(false);
    expect(await bench.harness.plan(text, undefined, false)).toMatchObject({ kind: 'rewrite' });
  });

  test.each([
    ['division', where(`100 / (lat + 1) > 2`)],
    ['arithmetic, which overflows', where(`id + 1 > 5`)],
    ['a cast of text', where(`substr(kind, 2)::int > 3`)],
    ['a cast to fewer digits', where(`lat::numeric(3, 0) > 3`)],
    ['a comparison of json[], whose elements have none', where(`documents = '{}'::json[]`)],
    ['a comparison of boxes, which multiplies', where(`area = box(point(0, 0), point(1, 1))`)],
    ['columns of two collations', where(`swedish < danish`)],
    ['a substring of text whose collation allows none', where(`strpos(loose, 'k') > 0`)],
    ['LIKE with a pattern that may end in its escape', where(`kind like 'k1\\'`)],
    ['a pattern from a column', where(`'k1' like kind`)],
    ['a regular expression from a column', where(`'k1' ~ kind`)],
    ['length with an encoding', where(`length('x'::bytea, 'UTF8'::name) = id`)],
    [
      'HAVING without an aggregate',
      `select kind from place p where population < 50 group by kind, lat having 100 / (lat + 1) > 0`,
    ],
    [
      'a result row, under a LIMIT',
      `select id, 100 / (lat + 1) from place where population < 50 order by id limit 3`,
    ],
    [
      'a result row of a branch, under a LIMIT',
      `select 100 / (lat + 1) as x from place where population < 50 union all select 1 order by x limit 3`,
    ],
    ['a sub-select without a select list', where(`exists (select from note n where 1 / n.weight > 0)`)],
    [
      'a branch without FROM',
      `select p.id from place p, lateral (select 100 / (p.lat + 1) union all select 2) d where population < 50`,
    ],
    [
      'a column of a derived table',
      `select * from (select id, 100 / (lat + 1) as x from place where population < 50) d where x > 3`,
    ],
    [
      'the order of a nested aggregate',
      `select * from (select kind, array_agg(id order by 1 / (lat + 1)) from place where population < 50 group by kind) d`,
    ],
    [
      'a nested sum of floats',
      `select * from (select kind, sum(lat) from place where population < 50 group by kind) d`,
    ],
    [
      'a nested array of arrays',
      `select * from (select kind, array_agg(words) from place where population < 50 group by kind) d`,
    ],
    [
      'a nested aggregate of somebody else',
      `select * from (select kind, mine.sum(population) from place where population < 50 group by kind) d`,
    ],
    ['a function of the row, written like a column', where(`p.is_fit`)],
    [
      'a function of the row of another table',
      `select p.id from place p join (select n.id, n.fitness from note n) d on d.id = p.id where population < 50`,
    ],
    ['a column that is computed when it is read', where(`ratio > 0`)],
    [
      'such a column of another table',
      `select p.id from place p join (select r.region_id, r.share from ratio r) d on d.region_id = p.region_id where population < 50`,
    ],
    ['a function in FROM', `select p.id from place p, generate_series(1, p.id) where population < 50`],
    [
      'a sub-select that may have several rows',
      where(`(select n.id from note n where n.place_id = p.id) > 0`),
    ],
  ])('refuses where the session cannot try again: %s', async (_title, text) => {
    expect((await bench.restricted(text)).mustRetryOnError).toBe(true);
    expect(await bench.harness.plan(text, undefined, false)).toMatchObject({
      kind: 'forward',
      reason: 'may raise an error',
    });
  });

  // What all this is about: the index on `size` loses to the key's, and `1 / ratio` is cheaper to look at than the list.
  test('a statement that fails when restricted, and only then', async () => {
    const text = `select id from reading where 1 / ratio > 0 and size in (1, 2, 3, 4, 5, 6, 7, 8)`;
    await bench.under(['set enable_bitmapscan = off', 'set enable_seqscan = off'], async () => {
      expect(await bench.outcome(text)).toHaveProperty('rows.999');
      const { text: rewritten, mustRetryOnError } = await bench.restricted(text);
      expect(await bench.outcome(rewritten)).toEqual({ error: 'division by zero' });
      expect(mustRetryOnError).toBe(true);
    });
  });

  test('the same of a key that is computed when it is read', async () => {
    const inRange = `(x > 0 and x > -1 and x > -2 and x > -3 and x > -4) or (x < -5 and x < -6)`;
    const text = `select id from quotient where v = 3 and (${inRange})`;
    const { text: rewritten, mustRetryOnError } = await bench.restricted(text);
    await bench.harness.client.query('insert into quotient (id, x, v) values (0, 0, 3)');
    expect(await bench.outcome(text)).toHaveProperty('rows.39');
    expect(await bench.outcome(rewritten)).toEqual({ error: 'division by zero' });
    expect(mustRetryOnError).toBe(true);
  });

  // In a generic plan, which the client's own prepared statement may have, nothing of a parameter is folded.
  test.each([
    ['a cast of a parameter', where(`id > $1::text::int`), ['5']],
    ['a regular expression', where(`kind ~ $1`), ['^k']],
  ])('refuses where the session cannot try again: %s', async (_title, text, values) => {
    expect((await bench.restricted(text, values)).mustRetryOnError).toBe(true);
  });

  test.each([
    ['a comparison with a parameter', where(`id > $1`), ['5']],
    ['a cast that says the type of a parameter', where(`id > $1::int`), ['5']],
    ['the same parameter twice', where(`id > $1 and population >= $1`), ['5']],
    ['a parameter that is NULL', where(`id > $1`), [null]],
  ])('applies anywhere: %s', async (_title, text, values) => {
    expect((await bench.applies(text, values)).mustRetryOnError).toBe(false);
  });
});
