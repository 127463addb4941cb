import { loadParser, parseStatements } from '../../../../src/query/ast/parser';
import { isSameTree } from '../../../../src/query/rewrite/same-tree';

beforeAll(loadParser);

function areSame(left: string, right: string): boolean {
  return isSameTree(parseStatements(left), parseStatements(right), new Map());
}

describe('isSameTree', () => {
  test.each([
    ['select a from b where c = 1', 'select  a from b /* x */ where (c = 1)'],
    ['select a from b where c in (1, 2)', 'SELECT a FROM b WHERE c IN (1,2)'],
  ])('tells the same: %s and %s', (left, right) => {
    expect([areSame(left, right), areSame(right, left)]).toEqual([true, true]);
  });

  test.each([
    ['select a from b where c = 1', 'select a from b where c = 0'],
    ['select a from b where c = 1', 'select a from b'],
    ['select a from b where c = 1', `select a from b where c = '1'`],
    ['select a from b where c in (1, 2)', 'select a from b where c in (1, 2, 3)'],
    ['select a from b', 'select a from only b'],
    ['select a from b', 'select distinct a from b'],
    ['select a from b where c and d and e', 'select a from b where c and (d and e) and f'],
    ['select a from b', 'select a from b; select a from b'],
  ])('tells apart: %s and %s', (left, right) => {
    expect([areSame(left, right), areSame(right, left)]).toEqual([false, false]);
  });
});
