import type { RawStmt, SelectStmt } from '@pgsql/types';
import { loadParser, parseStatements } from '../../../../src/query/ast/parser';
import { isExactlyRestricted } from '../../../../src/query/rewrite/verify';

const keys = (alias: string): string =>
  `("${alias}"."k" OPERATOR(pg_catalog.=) ANY ('{1,2}'::pg_catalog.int4[]))`;

beforeAll(loadParser);

function selectOf(trees: readonly RawStmt[]): SelectStmt {
  const [tree] = trees;
  if (tree?.stmt === undefined || !('SelectStmt' in tree.stmt)) throw new Error('not a SELECT');
  return tree.stmt.SelectStmt;
}

function accepts(original: string, rewritten: string, restrictions: readonly string[]): boolean {
  const trees = parseStatements(original);
  return isExactlyRestricted(trees, rewritten, [{ select: selectOf(trees), restrictions }]);
}

describe('isExactlyRestricted', () => {
  const original = 'select 1 from p a, p b where a.x = 1 or b.x';

  test.each([
    ['one restriction', ['a']],
    ['several', ['a', 'b']],
    ['one twice', ['a', 'b', 'a']],
  ])('accepts %s', (_title, aliases) => {
    const restrictions = aliases.map(keys);
    const rewritten = `select 1 from p a, p b where (a.x = 1 or b.x) and ${restrictions.join(' and ')}`;
    expect(accepts(original, rewritten, restrictions)).toBe(true);
  });

  test.each([
    ['an OR that was not put in parentheses', `select 1 from p a, p b where a.x = 1 or b.x and ${keys('a')}`],
    ['another column', `select 1 from p a, p b where (a.x = 1 or b.x) and ${keys('b')}`],
    ['one that is missing', 'select 1 from p a, p b where a.x = 1 or b.x'],
    ['one too many', `select 1 from p a, p b where (a.x = 1 or b.x) and ${keys('a')} and ${keys('b')}`],
    ['a statement behind it', `select 1 from p a, p b where (a.x = 1 or b.x) and ${keys('a')}; drop table p`],
  ])('refuses: %s', (_title, rewritten) => {
    expect(accepts(original, rewritten, [keys('a')])).toBe(false);
  });

  test('refuses: a restriction that is more than a condition', () => {
    expect(() => accepts(original, original, ['true; drop table p'])).toThrow('not a condition');
    expect(() => accepts(original, original, ['true group by 1', 'true; select'])).toThrow('not a condition');
  });
});
