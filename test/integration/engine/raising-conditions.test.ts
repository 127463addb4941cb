import { regionKey, regionSchema, RuleBench } from '../../support/rule-bench';

let bench: RuleBench;

beforeAll(async () => {
  bench = await RuleBench.open([regionKey], regionSchema);
});
afterAll(() => bench[Symbol.asyncDispose]());

/**
 * Rule S12: each of these runs as it is written, and could fail on rows that a restricted plan looks at first. In a
 * transaction block there is no second try.
 */
describe('a statement that may raise an error is not restricted in a transaction block', () => {
  test.each([
    [
      'a HAVING condition without an aggregate, which PostgreSQL evaluates as part of WHERE',
      `select population, count(*) from place where population < 9 and population > 0 group by population having 100 / population > 3`,
    ],
    [
      'a pattern that ends with its escape character, on texts that match up to there',
      `select id from place where population < 9 and kind like 'k1\\'`,
    ],
    [
      'a pattern made with another escape character',
      `select id from place where population < 9 and kind like 'k1#' escape '#'`,
    ],
    [
      'a sub-select without a select list',
      `select id from region r join place p using (region_id) where p.population < 9 and exists (select from note n where n.place_id = p.id and 100 / (n.weight - 5) > 3)`,
    ],
    [
      'a statement without a select list',
      `select from place a where 100 / (a.population - 5) > 3 and a.id in (select b.id from place b where b.population < 3)`,
    ],
    [
      'a branch without FROM of a lateral UNION',
      `select p.id, d.y from place p, lateral (select 100 / (p.population - 500) as y union all select 2) as d where p.population < 9`,
    ],
  ])('refuses: %s', async (_title, text) => {
    await bench.harness.learn(`select from place where population < 3`);
    await bench.harness.learn(`select id from place where population < 9`);
    await bench.applies(text);
    expect(await bench.harness.plan(text, undefined, false)).toMatchObject({
      kind: 'forward',
      reason: 'may raise an error',
    });
  });

  test.each([
    [
      'a HAVING condition over an aggregate',
      `select kind, count(*) from place where population < 9 group by kind having count(*) > 1 and kind > 'k1'`,
    ],
    [
      'a pattern with an escaped character',
      `select id from place where population < 9 and kind like 'k\\1%'`,
    ],
    [
      'a pattern that ends with an escaped escape character',
      `select id from place where population < 9 and kind like 'k1\\\\'`,
    ],
    [
      'a pattern put together of constants',
      `select id from place where population < 9 and kind like 'k'::text || '%'`,
    ],
    [
      'a lateral UNION that computes nothing',
      `select p.id, d.y from place p, lateral (select p.id as y union all select 2) as d where p.population < 9`,
    ],
    [
      'a sub-select with a select list',
      `select id from place p where p.population < 9 and exists (select 1 from place n where n.lat > 88)`,
    ],
  ])('applies: %s', async (_title, text) => {
    await bench.applies(text);
    expect(await bench.harness.plan(text, undefined, false)).toMatchObject({ kind: 'rewrite' });
  });
});
