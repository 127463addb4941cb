import type { ParameterValue } from '../../../../src/query/analysis/expression';
import { TypeOid } from '../../../../src/query/catalog/catalog';
import { loadParser } from '../../../../src/query/ast/parser';
import { analyseText, conjunctTexts, firstBlock, smallContext } from '../../../support/analyse-text';
import { SmallTypeOid } from '../../../support/small-catalog';

const where = (condition: string, from = 'place p'): readonly string[] =>
  conjunctTexts(firstBlock(`select * from ${from} where ${condition}`));

const reasons = (condition: string, from = 'place p'): readonly string[] =>
  firstBlock(`select * from ${from} where ${condition}`).leftOut;

beforeAll(loadParser);

describe('a condition becomes canonical text', () => {
  test.each([
    ['a comparison', 'p.population > 5', '(5 < p."population")'],
    ['its mirror image', '5 < p.population', '(5 < p."population")'],
    ['without the table, and folded', 'POPULATION > 5', '(5 < p."population")'],
    ['in parentheses', '((p.population) > (5))', '(5 < p."population")'],
    ['an equality, constant first', `p.kind = 'a'`, `('a' = p."kind")`],
    ['a quoted constant', `p.kind = 'it''s {0} -- "x"'`, `('it''s {0} -- "x"' = p."kind")`],
    ['a dollar-quoted constant', `p.kind = $q$it's$q$`, `('it''s' = p."kind")`],
    ['an escape string', `p.kind = E'a\\x62'`, `('ab' = p."kind")`],
    ['a negative number', 'p.population > -5', '((-5) < p."population")'],
    ['a numeric constant, by its value', 'p.lat > 1.50', '(1.5 < p."lat")'],
    ['a numeric constant with an exponent', 'p.lat > 15e-1', '(1.5 < p."lat")'],
    ['a whole number beside a float', 'p.lat > 1.0', '(1 < p."lat")'],
    ['an integer in quotes', `p.population > '5'`, '(5 < p."population")'],
    [
      'a numeric beside an integer, which is compared as one',
      'p.population > 5.00',
      '(5.0 < p."population")',
    ],
    ['a quoted column', 'p."odd ""name""{0}" = 1', '(1 = p."odd ""name""{0}")'],
    ['LIKE', `p.kind like 'a%'`, `(p."kind" ~~ 'a%')`],
    ['NOT ILIKE', `p.kind not ilike 'a%'`, `(p."kind" !~~* 'a%')`],
    ['a regular expression', `p.kind ~ '^a'`, `(p."kind" ~ '^a')`],
    ['IN, its constants sorted and each once', 'p.population in (3, 1, 3)', '(p."population" IN (1, 3))'],
    ['NOT IN', 'p.population not in (2, 1)', '(p."population" NOT IN (1, 2))'],
    ['IN with one item', 'p.population in (1)', '(1 = p."population")'],
    ['NOT IN with one item', 'p.population not in (1, 1)', '(1 <> p."population")'],
    ['IN of several types', 'p.population in (1, 2.50)', '(p."population" IN (1.0, 2.5))'],
    [
      'IN with a column',
      'p.population in (2, 1, p.id)',
      '((p."id" = p."population") OR (p."population" IN (1, 2)))',
    ],
    ['= ANY of an array', `p.population = any ('{1,2}')`, `(p."population" = ANY ('{1,2}'))`],
    ['<> ALL of ARRAY', 'p.population <> all (array[1, 2])', '(p."population" <> ALL (ARRAY[1, 2]))'],
    ['IS NULL', 'p.population is null', '(p."population" IS NULL)'],
    ['IS NOT NULL', 'p.population is not null', '(p."population" IS NOT NULL)'],
    ['IS DISTINCT FROM', 'p.population is distinct from 1', '(p."population" IS DISTINCT FROM 1)'],
    ['IS TRUE', '(p.population = 1) is not true', '((1 = p."population") IS NOT TRUE)'],
    ['OR, in one order', `p.population = 2 or p.kind = 'a'`, `(('a' = p."kind") OR (2 = p."population"))`],
    ['OR, in the other', `p.kind = 'a' or p.population = 2`, `(('a' = p."kind") OR (2 = p."population"))`],
    ['NOT', 'not p.population = 1', '(NOT (1 = p."population"))'],
    [
      'NOT BETWEEN',
      'p.population not between 1 and 2',
      '(NOT ((1 <= p."population") AND (p."population" <= 2)))',
    ],
    ['a function', `lower(p.kind) = 'a'`, `("lower"(p."kind") = 'a')`],
    ['arithmetic', 'p.population + 1 > 5', '(5 < (p."population" + 1))'],
    ['a sign', '- p.population < 5', '((- p."population") < 5)'],
    ['COALESCE', 'coalesce(p.population, 0) = 1', '(1 = COALESCE(p."population", 0))'],
    ['COALESCE of several types', 'coalesce(p.population, 1.5) = 1', '(1 = COALESCE(p."population", 1.5))'],
    ['NULLIF', 'nullif(p.population, 0) = 1', '(1 = NULLIF(p."population", 0))'],
    ['GREATEST, in one order', 'greatest(p.population, p.id) = 1', '(1 = GREATEST(p."id", p."population"))'],
    ['LEAST of numerics, as written', 'least(p.population, 1.5) = 1', '(1 = LEAST(p."population", 1.5))'],
    [
      'CASE',
      'case when p.population > 1 then true end',
      '(CASE WHEN (1 < p."population") THEN TRUE ELSE NULL END)',
    ],
    [
      'CASE of a value',
      `case p.kind when 'a' then 1 else 2 end = 1`,
      `((CASE p."kind" WHEN 'a' THEN 1 ELSE 2 END) = 1)`,
    ],
    ['rows that are equal', '(p.population, 1) = (2, p.id)', '(2 = p."population") (1 = p."id")'],
    ['rows in order', '(p.population, p.id) > (1, 2)', '(ROW(1, 2) < ROW(p."population", p."id"))'],
    [
      'IN of rows',
      '(p.population, p.id) in ((3, 4), (1, 2))',
      '(((1 = p."population") AND (2 = p."id")) OR ((3 = p."population") AND (4 = p."id")))',
    ],
    ['a row that is NULL', '(p.population, p.id) is null', '((p."id" IS NULL) AND (p."population" IS NULL))'],
    ['COLLATE', `p.kind collate "C" < 'a'`, `((p."kind" COLLATE "pg_catalog"."C") < 'a')`],
    ['an element of an array', `p.tags[1] = 'a'`, `('a' = (p."tags")[1])`],
    [
      'BETWEEN SYMMETRIC',
      'p.population between symmetric 2 and 1',
      '(((1 <= p."population") AND (p."population" <= 2)) OR ((2 <= p."population") AND (p."population" <= 1)))',
    ],
    ['a cast', `p.population::int8 = 1`, '((p."population"::"pg_catalog"."int8") = 1)'],
    ['a typed constant', `p.opened > date '2024-01-01'`, `('2024-01-01' < p."opened")`],
    [
      'a date and an interval',
      `p.opened + interval '1 day' > '2024-01-01'`,
      `('2024-01-01' < (p."opened" + ('1 day'::"pg_catalog"."interval")))`,
    ],
    [
      'an operator by its full name',
      'p.population operator(pg_catalog.>) 5',
      '(5 OPERATOR("pg_catalog".<) p."population")',
    ],
  ])('%s', (_title, condition, expected) => {
    expect(where(condition).join(' ')).toEqual(expected);
  });

  test('both bounds of a BETWEEN are conjuncts', () => {
    expect(where('p.population between 1 and 2')).toEqual(['(1 <= p."population")', '(p."population" <= 2)']);
  });

  test('the operands of AND are conjuncts at any depth, each once', () => {
    expect(where('(p.population > 5 and (p.lat > 1 and p.population > 5)) and p.kind is null')).toEqual([
      '(5 < p."population")',
      '(1 < p."lat")',
      '(p."kind" IS NULL)',
    ]);
  });

  test.each([
    ['alias', 'select * from place q where q.population > 5'],
    ['schema', 'select * from public.place where public.place.population > 5'],
    ['place of the table', 'select * from note n, place where place.population > 5'],
    ['JOIN … ON', 'select * from note n join place on population > 5'],
    ['white space and comments', 'select * from place where/**/population>5--'],
  ])('does not depend on: %s', (_title, text) => {
    const [reference] = firstBlock('select * from place p where p.population > 5').conjuncts;
    expect(firstBlock(text).conjuncts[0]?.template).toBe(reference?.template);
  });
});

describe('refuses: what would not mean the same elsewhere stays out of fragments', () => {
  test.each([
    ['a stable function', 'p.seen_tz < now()', 'function is not immutable'],
    ['current_user and the like', `p.kind = current_user`, 'unsupported expression SQLValueFunction'],
    ['current_setting', `p.kind = current_setting('x')`, 'function is not immutable'],
    ['a stable operator', `p.opened < p.seen_tz`, 'operator is not immutable'],
    [
      'an operator through a stable cast',
      `p.seen_tz + interval '1 day' > '2024-01-01'`,
      'operator is not immutable',
    ],
    ['a stable cast', `p.opened::timestamptz = '2024-01-01'`, 'cast is not immutable'],
    ['a cast that writes out a date', `p.opened::text = '2024-01-01'`, 'cast is not immutable'],
    [
      'a constant that means another day tomorrow',
      `p.opened < 'today'`,
      'time-dependent or catalog-dependent constant',
    ],
    ['the same in capitals, in an array', `p.opened = any ('{NOW}'::date[])`, undefined],
    ['the same, typed', `p.opened < date 'yesterday'`, 'time-dependent or catalog-dependent constant'],
    ['a constant that is looked up', `p.id = 'place'::regclass`, undefined],
    ['a sub-select', 'p.population > (select 5)', 'unsupported sub-select'],
    ['EXISTS', 'exists (select 1)', 'unsupported sub-select'],
    ['a system column', `p.ctid = '(0,1)'`, 'unknown column'],
    ['a whole row', 'p is not null', undefined],
    ['an outer reference', 'q.population > 5', 'outer reference or unknown table'],
    ['a column of an item that is not known', 'n.weight > 5', 'unknown column'],
    ['COALESCE of types that have none in common', `coalesce(p.population, p.kind) = 1`, 'no common type'],
    ['IN of such types', `p.population in (1, p.kind::text, true)`, undefined],
    ['ARRAY of such types', `array[p.population, p.kind] is null`, 'ARRAY of several types'],
    ['a slice of an array', `p.tags[1:2] = '{a}'`, 'unsupported subscript'],
    ['a comparison of rows that differ in length', '(p.population, 1) = (1, 1, 1)', undefined],
    ['a collation that is not there', `p.kind collate "none" < 'a'`, 'unknown collation'],
    ['a day that passes, under a collation', `p.opened < 'today' collate "C"`, undefined],
    ['the same in ARRAY', `p.opened = any (array['today']::date[])`, undefined],
    ['the same in CASE', `p.opened = case when p.id = 1 then 'today' else p.opened end`, undefined],
    ['a parameter that is not bound', 'p.population = $1', 'unbound parameter'],
  ])('%s', (_title, condition, reason) => {
    expect(where(condition, 'place p, note n')).toEqual([]);
    const left = reasons(condition, 'place p, note n');
    expect(left).toHaveLength(1);
    if (reason !== undefined) expect(left).toEqual([reason]);
  });

  test('only the conjunct that is not understood', () => {
    expect(where('p.population > 5 and p.seen_tz < now()')).toEqual(['(5 < p."population")']);
  });

  test('all of an OR that has one', () => {
    expect(where('p.population > 5 or p.seen_tz < now()')).toEqual([]);
  });
});

test('refuses: a call of which one candidate is volatile leaves the whole statement alone', () => {
  expect(() => where('score(p.population) = 1')).toThrow('refused: volatile function');
});

describe('a function or operator is the one of the search path', () => {
  test('applies: the builtin one, searched first', () => {
    const context = smallContext({ searchPath: ['pg_catalog', 'shadow', 'public'] });
    expect(conjunctTexts(firstBlock(`select * from place p where p.population = 5`, context))).toHaveLength(
      1,
    );
  });

  test('refuses: a statement that may call a volatile one of the same name', () => {
    const context = smallContext({ searchPath: ['shadow', 'pg_catalog', 'public'] });
    expect(() => firstBlock(`select * from place p where lower(p.kind) = 'a'`, context)).toThrow(
      'volatile function',
    );
  });
});

describe('parameters are the values they were bound to', () => {
  const bound =
    (...values: readonly ParameterValue[]) =>
    (number: number): ParameterValue | undefined =>
      values[number - 1];
  const conjunct = (condition: string, ...values: readonly ParameterValue[]): readonly string[] =>
    conjunctTexts(
      firstBlock(`select * from place p where ${condition}`, smallContext({ parameter: bound(...values) })),
    );

  test.each([
    [
      'an int4 is the constant',
      'p.population > $1',
      { typeOid: TypeOid.int4, text: '5' },
      '(5 < p."population")',
    ],
    [
      'a negative int4',
      'p.population > $1',
      { typeOid: TypeOid.int4, text: '-5' },
      '((-5) < p."population")',
    ],
    [
      'an int4 in an odd form',
      'p.population > $1',
      { typeOid: TypeOid.int4, text: ' 05' },
      '(5 < p."population")',
    ],
    [
      'a text is the constant',
      'p.kind = $1',
      { typeOid: TypeOid.text, text: "it's" },
      `('it''s' = p."kind")`,
    ],
    ['NULL', 'p.kind = $1', { typeOid: TypeOid.text, text: null }, `(NULL::"pg_catalog"."text" = p."kind")`],
    [
      'an array',
      'p.population = any ($1)',
      { typeOid: SmallTypeOid.int4Array, text: '{1,2}' },
      `(p."population" = ANY ('{1,2}'))`,
    ],
  ])('%s', (_title, condition, value, expected) => {
    expect(conjunct(condition, value)).toEqual([expected]);
  });

  test.each([
    ['a time-dependent date', 'p.opened < $1', { typeOid: TypeOid.date, text: 'today' }],
    ['a type that is not known', 'p.kind = $1', { typeOid: 99_999, text: 'x' }],
    ['one that is not bound', 'p.kind = $2', { typeOid: TypeOid.text, text: 'x' }],
  ])('refuses: %s', (_title, condition, value) => {
    expect(conjunct(condition, value)).toEqual([]);
  });
});

describe('mayRaise', () => {
  test.each([
    [
      'comparisons',
      `population > 5 and kind = 'a' and lat < 1 and opened between '2024-01-01' and '2024-02-01'`,
    ],
    ['a numeric constant beside a float, converted while planning', `lat < 1.5 and 2.5 <= lat`],
    ['boolean logic and NULL tests', `not (population > 5 or kind is null) and (lat > 1) is not true`],
    ['LIKE with a constant', `kind like 'a%' and kind ~ '^a' and kind not ilike '%b'`],
    ['functions of text that are always defined', `lower(kind) = 'a' and length(kind) < 5`],
    ['lists and arrays', `population in (1, 2) and population = any ('{1,2}')`],
    ['arithmetic on constants', `population > 2 + 3`],
    ['a remainder by a number', 'population % 10 = 3 and population / 2 > 4'],
    [
      'CASE, COALESCE, NULLIF and GREATEST',
      `case when population > 1 then coalesce(kind, '') = 'a' end and nullif(population, 0) < greatest(id, 5)`,
    ],
    ['casts to what is wider', 'population::int8 > 5 and population::text = $$5$$'],
    ['LIKE with an escape character', `kind like 'a#%' escape '#'`],
    ['rows', '(population, id) = (1, 2) and (population, id) < (1, 2)'],
    ['what the top level computes from its own rows', `population > 5 group by kind order by kind`],
  ])('applies: %s cannot raise', (_title, rest) => {
    const target = rest.includes('group by') ? 'kind, sum(100 / population)' : '100 / population';
    expect(analyseText(`select ${target} from place where ${rest}`).mayRaise).toBe(false);
  });

  test.each([
    ['a division', '100 / population > 5'],
    ['a sum that may overflow', 'population + 1 > 5'],
    ['a cast of text', 'kind::int4 > 5'],
    ['a function of numbers', 'sqrt(lat) > 1'],
    ['LIKE with a column', 'kind like kind'],
    ['a conversion between families of numbers', 'lat < (population::numeric)'],
    ['LIKE with a pattern that ends in its escape', `kind like 'a\\'`],
    ['a condition that is not understood', 'place is not null'],
    ['a remainder by what may be zero', 'population % id = 1'],
    ['a part of CASE that does', 'case when population > 1 then 1 / population > 0 end'],
    ['a sub-select that must return one row', 'population > (select q.population from place q)'],
    ['a join condition', undefined],
  ])('refuses: %s may raise', (_title, condition) => {
    const text =
      condition === undefined
        ? 'select * from place a join place b on 100 / a.population > 5'
        : `select * from place where ${condition}`;
    expect(analyseText(text).mayRaise).toBe(true);
  });
});
