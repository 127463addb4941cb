import { regionKey, regionSchema, RuleBench } from '../../../support/rule-bench';

const schema = `${regionSchema}
  alter table place add column words text[], add column documents json[], add column area box, add column flag bool,
    add column swedish text collate "sv-x-icu", add column danish text collate "da-x-icu";
  update place set words = array[kind], documents = array['{}'::json], area = box(point(0, 0), point(id, 1)),
    swedish = kind, danish = kind, flag = id % 2 = 0;
  create collation case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  alter table place add column loose text collate case_blind;
  update place set loose = kind;
  analyze;
`;

describe('rule S12: conjuncts that can raise', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey], schema);
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
      'a sub-select that may have several rows',
      where(`(select n.id from note n where n.place_id = p.id) > 0`),
    ],
  ])('refuses where the session cannot try again: %s', async (_title, text) => {
    expect((await bench.restricted(text)).mustRetryOnError).toBe(true);
    expect(await bench.harness.plan(text, undefined, false)).toEqual({
      kind: 'forward',
      reason: 'may raise an error',
    });
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
