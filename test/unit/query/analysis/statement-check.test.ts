import { analyse, type AnalysisContext } from '../../../../src/query/analysis/analyse';
import { TypeOid } from '../../../../src/query/catalog/catalog';
import { loadParser } from '../../../../src/query/ast/parser';
import { analyseText, parseRestrictable, smallContext } from '../../../support/analyse-text';
import { smallCatalog, smallRows } from '../../../support/small-catalog';

const refusal = (text: string, context: AnalysisContext = smallContext()): string | undefined => {
  const analysis = analyse(parseRestrictable(text), context);
  return 'refused' in analysis ? analysis.refused : undefined;
};

beforeAll(loadParser);

describe('applies: a statement that may be restricted', () => {
  test.each([
    'select * from place where population > 5',
    'select count(*), max(population) from place group by kind having count(*) > 1',
    'select rank() over (order by population) from place',
    'select * from place where seen_tz < now()',
    'select * from place, generate_series(1, 3) as g',
    'select distinct on (kind) * from place order by kind limit 3',
    "select * from place where population between 1 and 2 or kind like 'a%' or population in (1)",
    'with c as (select * from note) select * from place, c',
  ])('%s', (text) => {
    expect(refusal(text)).toBeUndefined();
  });
});

describe('refuses: a statement that is left alone as a whole (rule S6)', () => {
  test.each([
    ['a volatile function in WHERE', 'select * from place where random() < 1', 'volatile function'],
    ['one in the select list', 'select random() from place', 'volatile function'],
    ['one in a sub-select', 'select * from place where id in (select random()::int4)', 'volatile function'],
    ['one in ORDER BY', 'select * from place order by random()', 'volatile function'],
    ['set_config', `select set_config('a.b', 'c', false) from place`, 'volatile function'],
    ['a function that is not known', 'select no_such(id) from place', 'unknown function'],
    ['a volatile operator', 'select * from place where id === 1', 'volatile operator'],
    ['a type that is not known', 'select id::no_such from place', 'unknown type'],
    ['FOR UPDATE', 'select * from place for update', 'locking clause'],
    ['FOR SHARE in a sub-select', 'select * from (select * from place for share) p', 'locking clause'],
    ['TABLESAMPLE', 'select * from place tablesample system (50)', 'tablesample'],
    [
      'a data-modifying CTE',
      'with d as (delete from note returning *) select * from place, d',
      'data-modifying CTE',
    ],
    [
      'a recursive CTE',
      'with recursive c as (select 1 as a union select a from c) select * from place',
      'recursive CTE',
    ],
    [
      'one further down',
      'select * from place where id in (with recursive c as (select 1) select * from c)',
      'recursive CTE',
    ],
    ['a view', 'select * from place, place_view', 'view'],
    ['a foreign table', 'select * from place, remote_place', 'foreign table'],
    ['row-level security', 'select * from place where id in (select id from secret)', 'row-level security'],
    ['a relation that is not known', 'select * from place, no_such', 'unknown relation'],
    ['the name of a database', 'select * from db.public.place', 'database-qualified name'],
    ['the temporary schema', 'select * from place, pg_temp.x', 'temporary table'],
    ['no table with a key', 'select * from note', 'no partition key'],
    [
      'JSON_TABLE and whatever else may come',
      `select * from place, xmltable('/a' passing '<a/>' columns b int path 'b') x`,
      undefined,
    ],
  ])('%s', (_title, text, refused) => {
    if (refused === undefined) expect(refusal(text)).toBeDefined();
    else expect(refusal(text)).toBe(refused);
  });

  test('a temporary table hides the table of its name', () => {
    const context = smallContext({ temporaryRelations: new Set(['place']) });
    expect(refusal('select * from place', context)).toBe('temporary table');
    expect(refusal('select * from public.place', context)).toBeUndefined();
  });

  test('a schema outside the search path is not searched', () => {
    const context = smallContext({ searchPath: ['pg_catalog', 'other'] });
    expect(refusal('select * from place', context)).toBe('no partition key');
    expect(refusal('select * from public.place', context)).toBeUndefined();
  });

  test('a cast that PostgreSQL applies unasked may be volatile', () => {
    const casts = [
      ...smallRows.casts,
      {
        sourceOid: TypeOid.int4,
        targetOid: TypeOid.text,
        context: 'i',
        volatility: 'v',
        isBinary: false,
        isScript: false,
      } as const,
    ];
    expect(refusal('select * from place', smallContext({ catalog: smallCatalog({ casts }) }))).toBe(
      'volatile cast',
    );
  });
});

describe('statements that may raise (rule S12)', () => {
  const mayRaise = (text: string): boolean => analyseText(text).mayRaise;

  test.each([
    ["the top level's own select list", 'select 100 / population from place where lat > 1'],
    [
      'an aggregate in a nested block',
      'select * from (select kind, count(*) c from place where lat > 1 group by kind) d',
    ],
    [
      'an aggregate in HAVING',
      'select kind from place where lat > 1 group by kind having sum(population) > 5',
    ],
    [
      'EXISTS over plain conditions',
      'select * from place p where lat > 1 and exists (select 1 from place q where q.lat > 2)',
    ],
    ['plain VALUES', 'select * from place p, (values (1), (2)) v where p.lat > 1'],
    [
      'columns of the nulled side',
      'select * from place p left join place q on q.lat > 1 where p.lat > 1 and q.kind is null',
    ],
  ])('applies: %s', (_title, text) => {
    expect(mayRaise(text)).toBe(false);
  });

  test.each([
    ['a nested select list', 'select * from (select 100 / population as x from place where lat > 1) d'],
    [
      'ON of an outer join',
      'select * from place p left join place q on 100 / q.population > 1 where p.lat > 1',
    ],
    [
      'HAVING without an aggregate',
      'select population from place where lat > 1 group by population having 100 / population > 3',
    ],
    [
      'a block without a select list',
      'select * from place where lat > 1 and exists (select from place q where 100 / q.population > 3)',
    ],
    ['a function in FROM', 'select * from place, generate_series(1, id) where lat > 1'],
    ['computed VALUES', 'select * from place p, lateral (values (100 / p.population)) v where p.lat > 1'],
    [
      'a lateral select without FROM',
      'select * from place p, lateral (select 100 / p.population as x) v where p.lat > 1',
    ],
    [
      'a branch of one',
      'select * from place p, lateral (select 1 as x union select 100 / p.population) v where p.lat > 1',
    ],
    [
      'a sub-select of one row',
      'select * from place where lat > 1 and population = (select population from place)',
    ],
  ])('refuses: %s', (_title, text) => {
    expect(mayRaise(text)).toBe(true);
  });
});
