import { loadParser } from '../../../../src/query/ast/parser';
import { conjunctTexts, firstBlock } from '../../../support/analyse-text';

const conjuncts = (from: string): readonly string[] => conjunctTexts(firstBlock(`select * from ${from}`));

beforeAll(loadParser);

describe('applies: conditions that hold for every row of the block', () => {
  test.each([
    ['WHERE', 'place p where p.lat > 1', ['(1 < p."lat")']],
    ['ON of an inner join', 'place p join note n on p.lat > 1', ['(1 < p."lat")']],
    [
      'ON of an inner join around an outer one',
      '(place p left join note n on true) join note m on p.lat > 1',
      ['(1 < p."lat")'],
    ],
    ['WHERE over the preserved side', 'place p left join note n on true where p.lat > 1', ['(1 < p."lat")']],
    ['between two tables', 'place p, place q where p.lat > q.lat', ['(q."lat" < p."lat")']],
    [
      'an equality with a constant stays a condition',
      'place p where p.region_id = 3',
      ['(3 = p."region_id")'],
    ],
    [
      'an equality of other columns, too',
      'place p, place q where p.kind = q.kind',
      ['(p."kind" = q."kind")'],
    ],
  ])('%s', (_title, from, expected) => {
    expect(conjuncts(from)).toEqual(expected);
  });
});

describe('refuses: conditions that do not', () => {
  test.each([
    ['ON of an outer join, about the preserved side', 'place p left join note n on p.lat > 1'],
    ['ON of an outer join, about the other', 'place p left join place q on q.lat > 1'],
    ['WHERE over the nulled side', 'place p left join place q on true where q.lat is null'],
    ['both sides of a FULL JOIN', 'shop s, (place p full join place q on true) where p.lat > 1 or q.lat > 1'],
    [
      'ON of an inner join below the nulled side',
      'place p left join (place q join place r on q.lat > 1) on true',
    ],
    ['an OR', "place p where p.lat > 1 or now() > '2024-01-01'"],
    ['a condition on no table', 'place p where 1 = 1'],
    [
      'the equality of keys, which the fragment has anyway',
      'place p, place q where p.region_id = q.region_id',
    ],
    ['a merged column by its bare name', 'place p join note n using (population) where population > 5'],
    [
      'any bare name beside a NATURAL JOIN with something unknown',
      'place p natural join note n where population > 5',
    ],
    ['a table hidden by an alias of its join', 'shop s, (place p join note n on true) as j where p.lat > 1'],
  ])('%s', (_title, from) => {
    expect(conjuncts(from)).toEqual([]);
  });
});

test('an equality of one column of two occurrences of a table may be read either way round', () => {
  const symmetric = (condition: string): boolean | undefined =>
    firstBlock(`select * from place p, place q where ${condition}`).conjuncts[0]?.isSymmetric;
  expect(symmetric('p.kind = q.kind')).toBe(true);
  expect(symmetric('p.kind <> q.kind')).toBe(true);
  expect(symmetric('p.kind < q.kind')).toBe(false);
  expect(symmetric('p.lat = q.population')).toBe(false);
});
