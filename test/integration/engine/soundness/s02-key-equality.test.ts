import { regionKey, regionSchema, RuleBench, trackedKey } from '../../../support/rule-bench';

const wide = trackedKey('wide', 'integer', {
  'public.small': 'k',
  'public.large': 'k',
  'public.other_large': 'k',
  'public.inexact': 'k',
});
const word = trackedKey('word', 'text', { 'public.term': 'k', 'public.tag': 'k' });

const schema = `${regionSchema}
  create table small (k int2, v int);
  create table large (k int8, v int);
  create table other_large (k int8, v int);
  create table inexact (k float8, v int);
  insert into small select i, 1 from generate_series(1, 20) as i;
  insert into large values (1, 1), (2, 1), (9007199254740993, 1);
  insert into other_large values (1, 1), (2, 1), (9007199254740992, 1);
  insert into inexact values (1, 1), (9007199254740992, 1);

  create collation case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create table term (k text, v int);
  create table tag (k text, name text collate case_blind, v int);
  insert into term values ('x', 1), ('X', 1), ('y', 1);
  insert into tag values ('X', 'x', 1), ('y', 'Y', 1), ('x', 'X', 1);

  create table untracked (a int, b int);
  insert into untracked select i, i + 1 from generate_series(1, 40) as i;
  analyze;
`;

/** The columns that a plan's text restricts, in order. */
function restrictedColumns(text: string): string[] {
  return [...text.matchAll(/("\w+"\."\w+") (?:OPERATOR\(pg_catalog\.=\) ANY|IS NULL\))/g)].map(
    ([, column = '']) => column.replaceAll('"', ''),
  );
}

/** The sets of keys that a plan's text restricts to: one for each class. */
function keyArrays(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/ANY \('(\{.*?\})'/g)].map(([, keys = '']) => keys));
}

describe('rule S2: key equality is read, never assumed', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey, wide, word], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    [
      'through a third table',
      `select a.id, b.id from place a, region r, place b where a.region_id = r.region_id and r.region_id = b.region_id and a.population < 50 and b.population > 950`,
    ],
    [
      'through a column of a table that carries no condition',
      `select a.id, b.id from place a join place m on m.region_id = a.region_id join place b on b.region_id = m.region_id where a.id < 10 and b.id < 10`,
    ],
    [
      'through a constant',
      `select a.id, b.id from place a, place b where a.region_id = 3 and b.region_id = 3 and a.population < 100 and b.population < 100`,
    ],
    [
      'through USING',
      `select a.id, r.name from place a join region r using (region_id) where a.population < 5 and r.name <> 'r3'`,
    ],
    ['between int2 and int8', `select s.k from small s, large l where s.k = l.k and s.v = 1 and l.v = 1`],
    [
      'between int2 and int8, by USING',
      `select s.v, l.v from small s join large l using (k) where s.v = 1 and l.v = 1`,
    ],
    [
      'in either orientation',
      `select a.id from place a, region r where r.region_id = a.region_id and a.population < 5 and r.name <> 'r3'`,
    ],
    [
      'written OPERATOR(pg_catalog.=)',
      `select a.id from place a join region r on a.region_id operator(pg_catalog.=) r.region_id where a.population < 5 and r.name <> 'r3'`,
    ],
  ])('applies to both tables as one class: %s', async (_title, text) => {
    const { text: rewritten } = await bench.applies(text);
    expect(keyArrays(rewritten).size).toBe(1);
  });

  test('keeps keys the column of another table could not hold out of its array', async () => {
    const { text } = await bench.applies(`select l.k from large l where l.v = 1`);
    expect(text).toContain('9007199254740993');
    expect((await bench.applies(`select s.k from small s where s.v = 1`)).text).toContain('int2[]');
  });

  // Each of these must not become one class of both tables: the sets would be intersected, and rows lost.
  test.each([
    [
      'no equality at all',
      `select a.id, b.id from place a, place b where a.population < 3 and b.population < 5`,
    ],
    [
      'an inequality',
      `select a.id, b.id from place a, place b where a.region_id <= b.region_id and a.population < 3 and b.population < 5`,
    ],
    [
      'equality of other columns',
      `select a.id, b.id from place a join place b on a.kind = b.kind where a.population < 3 and b.population < 5`,
    ],
    [
      'key of the one, another column of the other',
      `select a.id, b.id from place a join place b on a.region_id = b.population where a.population < 3 and b.id < 500`,
    ],
    [
      'equality under OR',
      `select a.id, b.id from place a, place b where (a.region_id = b.region_id or a.id = b.id) and a.population < 3 and b.population < 5`,
    ],
    [
      'equality under NOT',
      `select a.id, b.id from place a, place b where not (a.region_id = b.region_id) and a.population < 3 and b.population < 5`,
    ],
    [
      'equality with an expression',
      `select a.id, b.id from place a, place b where a.region_id = b.region_id + 1 and a.population < 3 and b.population < 5`,
    ],
    [
      'IS NOT DISTINCT FROM, by which NULL equals NULL',
      `select a.id, b.id from place a, place b where a.region_id is not distinct from b.region_id and a.population < 9 and b.population < 9`,
    ],
    [
      'a chain through a table that is not known',
      `select a.id, b.id from place a, untracked u, place b where a.region_id = u.a and u.b = b.region_id and a.population < 3 and b.population < 5`,
    ],
    [
      'different constants',
      `select a.id, b.id from place a, place b where a.region_id = 3 and b.region_id = 4 and a.population < 100 and b.population < 100`,
    ],
    [
      'int8 to int8 through a float8, for which 9007199254740993 = 9007199254740992',
      `select a.k, c.k from large a, inexact b, other_large c where a.k = b.k and b.k = c.k and a.v = 1 and c.v = 1`,
    ],
    [
      'the same through USING',
      `select a.k, c.k from large a join inexact b using (k) join other_large c using (k) where a.v = 1 and c.v = 1`,
    ],
    [
      'the same, the float8 first',
      `select a.k, c.k from inexact b join large a using (k) join other_large c using (k) where a.v = 1 and c.v = 1`,
    ],
    [
      'the same through a derived table',
      `select a.k, c.k from large a join (select k from inexact) b using (k) join other_large c using (k) where a.v = 1 and c.v = 1`,
    ],
    [
      'a column that ignores case equal to both constants',
      `select a.k, b.k from term a, term b, tag t where a.k = 'x' and b.k = 'X' and t.name = 'x' and t.name = 'X'`,
    ],
    [
      'text keys through a column that ignores case',
      `select a.k, b.k from term a, tag t, term b where a.k = t.name and t.name = b.k and a.v = 1 and b.v = 1`,
    ],
  ])('loses no row: %s', async (_title, text) => {
    const direct = await bench.outcome(text);
    expect(direct).toHaveProperty('rows.0');
    await bench.harness.learn(text);
    const plan = await bench.harness.plan(text);
    expect(plan.kind === 'rewrite' ? await bench.outcome(plan.text) : direct).toEqual(direct);
  });

  test('refuses: USING where the session sees an = of its own', async () => {
    await bench.define(
      `create schema odd; create operator odd.= (leftarg = int4, rightarg = int4, function = int4ne)`,
    );
    await bench.under(['set search_path = odd, pg_catalog, public'], async () => {
      const using = `select a.id, r.region_id from place a join region r using (region_id) where a.population < 5`;
      const { text } = await bench.applies(using);
      expect(new Set(restrictedColumns(text))).toEqual(new Set(['a.region_id']));
    });
  });

  test.each([
    [
      'a merged column of int8 and float8, compared as float8',
      `select v from large join (select 9007199254740992::float8 as k) d using (k) where k = 9007199254740992`,
    ],
    [
      'the same by LEFT JOIN',
      `select v from large left join (select 9007199254740992::float8 as k) d using (k) where k = 9007199254740992`,
    ],
    [
      'the same by NATURAL JOIN',
      `select v from large natural join (select 9007199254740992::float8 as k) d where k = 9007199254740992`,
    ],
  ])('refuses: %s', async (_title, text) => {
    expect(await bench.outcome(text)).toHaveProperty('rows.0');
    await bench.refuses(text, 'miss');
  });
});
