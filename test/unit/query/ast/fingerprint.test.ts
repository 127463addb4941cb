import { fingerprint } from '../../../../src/query/ast/fingerprint';
import { loadParser, parseStatements, UnparsedTextError } from '../../../../src/query/ast/parser';

beforeAll(loadParser);

describe('fingerprint', () => {
  const text = `select a from place where x = 1 and y in (1, 2)`;

  test.each([
    ['other constants', `select a from place where x = 'z' and y in (7.5, 2)`],
    ['a longer list', `select a from place where x = 1 and y in (1, 2, 3, 4)`],
    ['parameters', `select a from place where x = $1 and y in ($2, $3)`],
    ['comments and white space', `select a -- b\n from place /* c */ where x=1 and y in(1,2)`],
    ['keywords in capitals', `SELECT a FROM place WHERE x = 1 AND y IN (1, 2)`],
  ])('is the same: %s', (_title, other) => {
    expect(fingerprint(other)).toBe(fingerprint(text));
  });

  test.each([
    ['another column', `select b from place where x = 1 and y in (1, 2)`],
    ['another operator', `select a from place where x > 1 and y in (1, 2)`],
    ['a quoted name in capitals', `select "A" from place where x = 1 and y in (1, 2)`],
  ])('is not: %s', (_title, other) => {
    expect(fingerprint(other)).not.toBe(fingerprint(text));
  });

  test('of sub-selects nested in conditions, which libpg_query runs out of stack for', () => {
    const nested = (depth: number): string =>
      depth === 0
        ? 'select 1 from a'
        : `select 1 from a where x in (${nested(depth - 1)}) or (y = 1 or exists (${nested(depth - 1)}))`;
    expect(fingerprint(nested(6))).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('parseStatements', () => {
  test.each([
    ['a sum of 20,000 terms', `select ${Array(20_000).fill('a').join(' + ')}`],
    ['the same without spaces', `select ${Array(20_000).fill('a').join('+')}`],
    ['3,000 signs', `select ${'- '.repeat(3_000)}a`],
    ['parentheses, 5,000 deep', `select ${'('.repeat(5_000)}a${')'.repeat(5_000)}`],
    ['a list of 2,600 numbers', `select a from b where c in (${Array(2_600).fill('1').join()})`],
    ['sub-selects, 20 deep', `select ${'(select '.repeat(20)}1${')'.repeat(20)}`],
    [
      '1,000 operator characters in a row, between others',
      `select a ${'+'.repeat(70)} ${'*'.repeat(1_000)} b`,
    ],
    ['4,000 signs in a row', `select ${'+'.repeat(4_000)}a`],
    ['30,000 comments, each in the one before', `select ${'/*'.repeat(30_000)}${'*/'.repeat(30_000)} 1`],
    ['1,000 comments that look like one operator', `select ${'/**/'.repeat(1_000)} 1`],
    ['150 comments, each in the one before', `select ${'/* '.repeat(150)}${'*/ '.repeat(150)} 1`],
    ['a megabyte of one string', `select '${'x'.repeat(1_000_000)}'`],
  ])('refuses: %s', (_title, text) => {
    expect(() => parseStatements(text)).toThrow(UnparsedTextError);
    expect(parseStatements('select 1')).toHaveLength(1);
  });

  test.each([
    [
      'sub-selects, 15 deep, and many beside each other',
      `select ${'(select '.repeat(15)}1${')'.repeat(15)}${', (select 1)'.repeat(60)}`,
    ],
    [
      'a list of 2,400 numbers',
      `select a from b where c in (${Array.from({ length: 2_400 }, (_, i) => i).join(', ')})`,
    ],
    ['many comments', `select ${'/* a */ -- b\n'.repeat(90)} 1`],
    ['rows of 990 signs', `select ${`'${'+'.repeat(990)}' a, `.repeat(3)} 1`],
    ['a banner', `/*${'*'.repeat(200)}\n a\n${'*'.repeat(200)}*/ select 1`],
    ['comments in a string', `select '${'/*'.repeat(400)}'`],
    ['the deepest text that is not counted', `select ${'-'.repeat(0)}${Array(740).fill('a').join('+')}`],
  ])('reads: %s', (_title, text) => {
    expect(parseStatements(text)).toHaveLength(1);
  });
});
