import * as fc from 'fast-check';
import { scanSync } from 'libpg-query';
import { loadParser } from '../../../src/query/ast/parser';
import { scanTokens } from '../../../src/query/ast/scan';
import { sqlCorpus } from '../../support/sql-corpus';

beforeAll(loadParser);

type Seen = readonly [start: number, end: number, kind: string];

function ours(text: string): readonly Seen[] {
  return scanTokens(text).map(({ start, end, tokenName }) => [start, end, tokenName]);
}

const names: Readonly<Record<string, string>> = { FCONST: 'ICONST', USCONST: 'SCONST' };
const numbersOfKinds: Readonly<Record<number, string>> = {
  259: 'IDENT',
  262: 'SCONST',
  263: 'SCONST',
  264: 'SCONST',
};

/** What PostgreSQL's own scanner finds, in our words; undefined for a text it does not take. */
function theirs(text: string): readonly Seen[] | undefined {
  try {
    return scanSync(text).tokens.map(({ start, end, text: token, tokenName, tokenType, keywordKind }) => {
      const isWord = keywordKind !== 0 || (tokenName === 'IDENT' && !token.endsWith('"'));
      const kind = numbersOfKinds[tokenType] ?? (tokenName === 'UNKNOWN' ? 'OTHER' : tokenName);
      const known = ['IDENT', 'SCONST', 'ICONST', 'PARAM', 'ASCII_44', 'SQL_COMMENT', 'C_COMMENT'];
      const name = names[kind] ?? kind;
      return [start, end, isWord ? 'WORD' : known.includes(name) ? name : 'OTHER'];
    });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

describe('scanTokens', () => {
  test('finds what PostgreSQL finds, in files of real SQL', () => {
    const files = sqlCorpus(100_000);
    let tokens = 0;
    for (const { name, text } of files) {
      const expected = theirs(text);
      if (expected === undefined) continue;
      tokens += expected.length;
      const found = ours(text);
      const at = expected.findIndex((token, i) => JSON.stringify(token) !== JSON.stringify(found[i]));
      expect([name, found[at], found.length]).toEqual([name, expected[at], expected.length]);
    }
    expect(tokens).toBeGreaterThan(50_000);
  });

  test.each([
    `select 'a'\n  'b' , E'c\\'d', U&'\\0041', U&"x" uescape '!', b'01', X'1F', n'x', $$ ' $$, $t$ $$ $t$`,
    `select a"b"c, "d""e", $1, $12::int, x$y, 1.5e-3, .5, 5., 1..2, 0x1F, 1_000, a.b.c`,
    `select a +-+ b, c@+-d, e+-@-f, g-+/* h */-+i, j*+-+-- k\n, l=+-@+m, n+@-+-o, p ++--\n++ q, <+-, +-<, -+-+/**/`,
    `select a/* b /* c */ d */+-- e\n1, a*/*x*/b, a<>-5, a=-1, a@-1, a||b, a->>'b', a:=1, a[1:2]`,
    'select żółw, "😀", \'😀é\', x😀y from t where 😀 = 1',
  ])('finds what PostgreSQL finds: %s', (text) => {
    expect(ours(text)).toEqual(theirs(text));
  });

  test('finds what PostgreSQL finds in whatever PostgreSQL takes', () => {
    const piece = fc.constantFrom(
      ...[
        'select',
        'a',
        'E',
        'u',
        'x',
        'żó',
        '😀',
        '"',
        '"a"',
        "'",
        "''",
        "'a'",
        '\\',
        '$',
        '$$',
        '$a$',
        '$1',
        '1',
        '.5',
      ],
      ...[
        '1.',
        '1e5',
        '0x',
        '.',
        '..',
        ':',
        '::',
        ':=',
        '+',
        '-',
        '--',
        '/*',
        '*/',
        '*',
        '<',
        '=',
        '@',
        '&',
        '?',
        '%',
      ],
      ...['(', ')', '[', ',', ';', ' ', '\n', '\t', '_1', 'U&', "U&'", 'U&"'],
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 14 }), (pieces) => {
        const text = pieces.join('');
        const expected = theirs(text);
        if (expected !== undefined) expect(ours(text)).toEqual(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each(["'", '"', '/*', '$$', "E'\\", 'U&"', '/* /* */'])('ends at the end of a text: %s', (opening) => {
    const text = `${opening}${'x'.repeat(500_000)}`;
    expect(scanTokens(text).at(-1)?.end).toBe(text.length);
  });
});
