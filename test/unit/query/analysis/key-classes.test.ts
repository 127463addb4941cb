import { loadParser } from '../../../../src/query/ast/parser';
import { analyseText, firstBlock, smallContext } from '../../../support/analyse-text';

/** The classes of a statement's first block: the key, its tables' aliases, and whether NULL keys cannot qualify. */
const classes = (text: string): readonly string[] =>
  firstBlock(text).classes.map(
    ({ partitionKey, members, isEquated }) =>
      `${partitionKey.name}: ${members.map(({ table }) => table.alias).join(' ')}${isEquated ? ' =' : ''}`,
  );

beforeAll(loadParser);

describe('applies: keys that a block equates are one class (rule S2)', () => {
  test.each([
    ['a comma join', 'place p, shop s where p.region_id = s.region_id', ['region: p s =', 'town: s']],
    ['JOIN … ON', 'place p join shop s on s.region_id = p.region_id', ['region: p s =', 'town: s']],
    ['JOIN … USING', 'place p join region r using (region_id)', ['region: p r =']],
    [
      'by way of a third table',
      'place p, region r, place q where p.region_id = r.region_id and r.region_id = q.region_id',
      ['region: p r q ='],
    ],
    ['by way of a constant', 'place p, place q where p.region_id = 3 and 3 = q.region_id', ['region: p q =']],
    [
      'by way of another column',
      'place p, place q where p.region_id = p.id and p.id = q.region_id',
      ['region: p q ='],
    ],
    ['texts of two lengths', 'shop s, town t where s.town = t.town', ['region: s', 'town: s t =']],
    [
      'in an AND of ANDs',
      'place p, place q where p.lat > 1 and (q.lat > 1 and (p.region_id = q.region_id))',
      ['region: p q ='],
    ],
    [
      'below an inner join of an inner join',
      '(place p join place q on p.region_id = q.region_id) join note n on true',
      ['region: p q ='],
    ],
    [
      'the preserved side of an outer join',
      'place p left join place q on q.region_id = p.region_id',
      ['region: p'],
    ],
    ['the same, mirrored', 'place q right join place p on q.region_id = p.region_id', ['region: p']],
    ['a constant alone', 'place p where p.region_id = 3', ['region: p =']],
    ['NATURAL JOIN', 'place p natural join region r', ['region: p r =']],
    [
      'NATURAL JOIN of three',
      '(town t natural join shop s) natural join place p',
      ['region: s p =', 'town: t s ='],
    ],
  ])('%s', (_title, from, expected) => {
    expect(classes(`select * from ${from}`)).toEqual(expected);
  });
});

describe('refuses: what is not equated is another class', () => {
  test.each([
    ['no condition', 'place p, place q', ['region: p', 'region: q']],
    ['another column', 'place p, place q where p.id = q.id', ['region: p', 'region: q']],
    ['another operator', 'place p, place q where p.region_id <= q.region_id', ['region: p', 'region: q']],
    ['an expression', 'place p, place q where p.region_id = q.region_id + 0', ['region: p', 'region: q']],
    ['a cast', 'place p, place q where p.region_id = q.region_id::int8', ['region: p', 'region: q']],
    ['an OR', 'place p, place q where p.region_id = q.region_id or p.lat > 1', ['region: p', 'region: q']],
    ['a NOT', 'place p, place q where not p.region_id = q.region_id', ['region: p', 'region: q']],
    [
      'IS NOT DISTINCT FROM, which lets NULL through',
      'place p, place q where p.region_id is not distinct from q.region_id',
      ['region: p', 'region: q'],
    ],
    [
      'two constants',
      'place p, place q where p.region_id = 3 and q.region_id = 4',
      ['region: p =', 'region: q ='],
    ],
    ['a column with itself', 'place p where p.region_id = p.region_id', ['region: p']],
    [
      'the ON clause of an outer join',
      'place p left join place q on p.region_id = q.region_id',
      ['region: p'],
    ],
    [
      'both sides of a FULL JOIN',
      'place p full join place q using (region_id) join shop s on true',
      ['region: s', 'town: s'],
    ],
    [
      'an inner join below the nulled side',
      'place p left join (place q join place r on q.region_id = r.region_id) on true',
      ['region: p'],
    ],
    [
      'a join with an alias, which hides its tables',
      '(place p join place q using (region_id)) as j, shop s',
      ['region: s', 'town: s'],
    ],
    [
      'a column list, which renames',
      'place p (a, b, c), shop s where p.b = s.region_id',
      ['region: s', 'town: s'],
    ],
    [
      'NATURAL JOIN of a table whose columns are not known',
      'place p natural join note n natural join region r',
      ['region: p', 'region: r'],
    ],
    ['NATURAL LEFT JOIN', 'place p natural left join region r', ['region: p']],
    [
      'NATURAL JOIN by way of another type',
      'shop s natural join reading n natural join place p',
      ['region: s', 'region: p', 'town: s'],
    ],
    [
      'USING by way of a column of another type that was given the name',
      'place p join place as v (a, b, c, d, region_id) using (region_id) join region r using (region_id)',
      ['region: p', 'region: r'],
    ],
    [
      'USING by way of a table that is not known',
      'place p join note n using (region_id) join region r using (region_id)',
      ['region: p', 'region: r'],
    ],
  ])('%s', (_title, from, expected) => {
    expect(classes(`select * from ${from}`)).toEqual(expected);
  });

  test.each([
    ['a column of another type family', 'reading r', 'key column of another type'],
    ['a text with a collation that calls different texts equal', 'street s', 'key column of another type'],
    ['the nulled side alone', 'note n left join place p on true', 'outer join'],
    ['columns that were renamed', 'place p (a, b)', 'renamed by an alias'],
    ['a table of the same name in another schema', 'other.place p', 'no partition key'],
  ])('no class at all: %s', (_title, from, reason) => {
    expect(() => firstBlock(`select * from ${from}`)).toThrow(`refused: ${reason}`);
  });

  test('integers are not equal through a float', () => {
    expect(
      classes(
        'select * from place p, reading f, place q where p.region_id = f.region_id and f.region_id = q.region_id',
      ),
    ).toEqual(['region: p', 'region: q']);
    expect(
      classes('select * from place p join reading f using (region_id) join shop s using (region_id)'),
    ).toEqual(['region: p', 'region: s', 'town: s']);
  });

  test('USING is the = of the search path', () => {
    const text = 'select * from place p join region r using (region_id)';
    const context = smallContext({ searchPath: ['shadow', 'pg_catalog', 'public'] });
    expect(firstBlock(text, context).classes).toHaveLength(2);
  });
});

test('a NOT NULL column is known to be so, others not', () => {
  const { classes: found } = firstBlock('select * from place p join region r using (region_id)');
  expect(found[0]?.members.map(({ table, isNotNull }) => [table.alias, isNotNull])).toEqual([
    ['p', false],
    ['r', true],
  ]);
});

test('ONLY is part of what a table is', () => {
  const { tables } = firstBlock('select * from only place p, place q');
  expect(tables.map(({ only }) => only)).toEqual([true, false]);
});

describe('every block is read on its own', () => {
  test.each([
    ['a CTE', 'with c as (select * from place p where p.lat > 1) select * from c', ['p']],
    ['a derived table', 'select * from (select * from place p where p.lat > 1) d', ['p']],
    ['a sub-select', 'select 1 from note where exists (select 1 from place p where p.lat > 1)', ['p']],
    ['a scalar sub-select', 'select (select max(id) from place p where p.lat > 1)', ['p']],
    [
      'branches of a set operation',
      'select 1 from place p union (select 2 from place q except select 3 from place r)',
      ['p', 'q', 'r'],
    ],
    ['a block within a block', 'select * from place p where id in (select id from place q)', ['p', 'q']],
    [
      "refuses: a CTE that bears a table's name",
      'with place as (select 1 as region_id) select * from place, shop s',
      ['s'],
    ],
    [
      'the table, by its full name beside such a CTE',
      'with place as (select 1 as a) select * from public.place p',
      ['p'],
    ],
  ])('%s', (_title, text, expected) => {
    const { blocks } = analyseText(text);
    expect(
      blocks.flatMap(({ tables }) =>
        tables.filter(({ relation }) => relation.columns.size > 0).map(({ alias }) => alias),
      ),
    ).toEqual(expected);
  });

  test('a condition of a block is not one of a block inside it', () => {
    const { blocks } = analyseText(
      'select * from place p where p.lat > 1 and exists (select 1 from place q, note n where p.lat < 5)',
    );
    expect(blocks.map(({ conjuncts }) => conjuncts.length)).toEqual([1, 0]);
  });
});
