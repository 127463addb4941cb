import { blocksOf } from '../../../../src/query/analysis/blocks';
import { loadParser, parseStatements } from '../../../../src/query/ast/parser';
import { scanTokens } from '../../../../src/query/ast/scan';
import { restrictionSite, withoutComments } from '../../../../src/query/rewrite/restriction-site';
import { splice } from '../../../../src/query/rewrite/splice';
import { isExactlyRestricted } from '../../../../src/query/rewrite/verify';
import { restrictableOf } from '../../../../src/query/analysis/restrictable';
import { bareQuery } from '../../../../src/query/rewrite/bare-query';

/** The text with `(r)`, `(r2)`, … added to each block in turn; undefined if some block has no place for it. */
function restrictAll(text: string): string | undefined {
  const trees = parseStatements(text);
  const [statement] = trees.flatMap((tree) => restrictableOf(tree) ?? []);
  if (statement === undefined) throw new Error('no statement');
  const { tokens } = bareQuery(withoutComments(scanTokens(text)), statement);
  const blocks = blocksOf(statement).map((block, i) => ({
    block,
    site: restrictionSite(tokens, block.location),
    restrictions: [`(r${i === 0 ? '' : i + 1})`],
  }));
  const spliced = blocks.flatMap(({ site, restrictions }) =>
    site === undefined ? [] : [{ site, restrictions }],
  );
  if (spliced.length < blocks.length) return undefined;
  const rewritten = splice(text, spliced);
  const expected = blocks.map(({ block, restrictions }) => ({ select: block.select, restrictions }));
  expect(isExactlyRestricted(trees, rewritten, expected)).toBe(true);
  return rewritten;
}

beforeAll(loadParser);

describe('applies: a restriction is one more conjunct of the block', () => {
  test.each([
    ['no WHERE', 'select a from t', 'select a from t WHERE (r)'],
    ['a WHERE', 'select a from t where x', 'select a from t where ( x) AND (r)'],
    ['an OR', 'select a from t where x or y', 'select a from t where ( x or y) AND (r)'],
    ['an AND', 'select a from t where x and y', 'select a from t where ( x and y) AND (r)'],
    [
      'clauses after WHERE',
      'select a from t where x group by a having y order by 1 limit 1',
      'select a from t where ( x) AND (r) group by a having y order by 1 limit 1',
    ],
    [
      'clauses after FROM',
      'select a from t window w as (order by a) offset 1 fetch first row only',
      'select a from t WHERE (r) window w as (order by a) offset 1 fetch first row only',
    ],
    ['a semicolon', 'select a from t where x;', 'select a from t where ( x) AND (r);'],
    [
      'a comment at the end',
      'select a from t where x -- and y',
      'select a from t where ( x) AND (r) -- and y',
    ],
    [
      'a comment between',
      'select a from t -- where z\n where x',
      'select a from t -- where z\n where ( x) AND (r)',
    ],
    ['a comment after WHERE', 'select a from t where -- z\n x', 'select a from t where ( -- z\n x) AND (r)'],
    [
      'a nested comment',
      'select a from t where x /* where /* ) */ */ limit 1',
      'select a from t where ( x) AND (r) /* where /* ) */ */ limit 1',
    ],
    [
      'DISTINCT ON',
      'select distinct on (a, (b)) c from t where x',
      'select distinct on (a, (b)) c from t where ( x) AND (r)',
    ],
    ['ALL', 'select all a from t', 'select all a from t WHERE (r)'],
    ['a star', 'select * from t', 'select * from t WHERE (r)'],
    ['capitals', 'SELECT a FROM t WHERE x ORDER BY 1', 'SELECT a FROM t WHERE ( x) AND (r) ORDER BY 1'],
    ['no white space', 'select*from t where(x)limit 1', 'select*from t where ((x)) AND (r)limit 1'],
    [
      'joins',
      'select a from t join u on x left join v using (y) where z',
      'select a from t join u on x left join v using (y) where ( z) AND (r)',
    ],
    [
      'aliases that are words of clauses',
      'select a as order, b "where" from t as "group" where "group".limit > 1',
      'select a as order, b "where" from t as "group" where ( "group".limit > 1) AND (r)',
    ],
    [
      'strings that look like clauses',
      `select 'where' from t where x = ' group by '`,
      `select 'where' from t where ( x = ' group by ') AND (r)`,
    ],
    [
      'dollar quotes',
      'select a from t where x = $q$ where ( $q$',
      'select a from t where ( x = $q$ where ( $q$) AND (r)',
    ],
    [
      'letters of several bytes before it',
      `select 'żółw', "łąka" from t where x = '🐢' limit 1`,
      `select 'żółw', "łąka" from t where ( x = '🐢') AND (r) limit 1`,
    ],
    [
      'FILTER and WITHIN GROUP',
      'select count(*) filter (where z), mode() within group (order by a) from t where x',
      'select count(*) filter (where z), mode() within group (order by a) from t where ( x) AND (r)',
    ],
    [
      'brackets',
      'select a[1] from t where b[(select 1)] = 2 order by c[2]',
      'select a[1] from t where ( b[(select 1)] = 2) AND (r) order by c[2]',
    ],
    [
      'EXTRACT and SUBSTRING with FROM and FOR',
      'select substring(a from 1 for 2) from t where extract(day from b) = 1',
      'select substring(a from 1 for 2) from t where ( extract(day from b) = 1) AND (r)',
    ],
    ['parentheses around all of it', '((select a from t where x))', '((select a from t where ( x) AND (r)))'],
  ])('%s', (_title, text, expected) => {
    expect(restrictAll(text)).toBe(expected);
  });

  test.each([
    [
      'a sub-select',
      'select a from t where x in (select b from u where y)',
      'select a from t where ( x in (select b from u where ( y) AND (r2))) AND (r)',
    ],
    [
      'a sub-select that ends where its block ends',
      'select a from t where exists (select b from u)',
      'select a from t where ( exists (select b from u WHERE (r2))) AND (r)',
    ],
    [
      'a derived table',
      'select a from (select b from u) d',
      'select a from (select b from u WHERE (r2)) d WHERE (r)',
    ],
    [
      'a CTE',
      'with c as (select b from u where y) select a from c',
      'with c as (select b from u where ( y) AND (r2)) select a from c WHERE (r)',
    ],
    [
      'a set operation',
      'select a from t where x union all select b from u order by 1',
      'select a from t where ( x) AND (r) union all select b from u WHERE (r2) order by 1',
    ],
    [
      'one with parentheses',
      '(select a from t limit 1) except (select b from u where y)',
      '(select a from t WHERE (r) limit 1) except (select b from u where ( y) AND (r2))',
    ],
    [
      'a scalar sub-select first in the list',
      'select (select b from u) from t',
      'select (select b from u WHERE (r2)) from t WHERE (r)',
    ],
  ])('each block has its own: %s', (_title, text, expected) => {
    expect(restrictAll(text)).toBe(expected);
  });
});

describe('refuses: no place for a restriction', () => {
  test('a location that is no select list', () => {
    const tokens = scanTokens('select a from t');
    expect(restrictionSite(tokens, 0)).toBeUndefined();
    expect(restrictionSite(tokens, 999)).toBeUndefined();
    expect(restrictionSite([], 0)).toBeUndefined();
  });
});

describe('verify: a text that is not the original and exactly the restriction is refused', () => {
  const original = 'select a from t where x or y';
  const check = (rewritten: string, restrictions: readonly string[] = ['(r)']): boolean => {
    const trees = parseStatements(original);
    const [stmt] = trees.map((tree) => tree.stmt);
    if (stmt === undefined || !('SelectStmt' in stmt)) throw new Error('no select');
    return isExactlyRestricted(trees, rewritten, [{ select: stmt.SelectStmt, restrictions }]);
  };

  test.each([
    ['applies: the restriction', 'select a from t where (x or y) AND (r)', true],
    ['refuses: without parentheses', 'select a from t where x or y AND (r)', false],
    ['refuses: nothing added', original, false],
    ['refuses: another conjunct', 'select a from t where (x or y) AND (s)', false],
    ['refuses: one too many', 'select a from t where (x or y) AND (r) AND (r)', false],
    ['refuses: another order', 'select a from t where (r) AND (x or y)', false],
    ['refuses: another select list', 'select b from t where (x or y) AND (r)', false],
    ['refuses: another constant', 'select a from t where (x or y) AND (r) limit 1', false],
    ['refuses: a second statement', 'select a from t where (x or y) AND (r); select 1', false],
    ['refuses: another kind of statement', 'delete from t where (x or y) AND (r)', false],
  ])('%s', (_title, rewritten, isExact) => {
    expect(check(rewritten)).toBe(isExact);
  });

  test('the restriction must be in the block it is meant for', () => {
    const text = 'select a from t where x in (select b from u)';
    const trees = parseStatements(text);
    const [statement] = trees.flatMap((tree) => restrictableOf(tree) ?? []);
    const inner = statement === undefined ? undefined : blocksOf(statement)[1]?.select;
    if (inner === undefined) throw new Error('no inner block');
    const expected = [{ select: inner, restrictions: ['(r)'] }];
    expect(
      isExactlyRestricted(trees, 'select a from t where x in (select b from u where (r))', expected),
    ).toBe(true);
    expect(
      isExactlyRestricted(trees, 'select a from t where (x in (select b from u)) and (r)', expected),
    ).toBe(false);
  });
});
