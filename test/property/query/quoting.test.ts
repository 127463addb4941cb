import type { Node } from '@pgsql/types';
import * as fc from 'fast-check';
import { loadParser, parseStatements } from '../../../src/query/ast/parser';
import { quoteArray, quoteIdentifier, quoteLiteral } from '../../../src/query/ast/quote';
import { parseSelect } from '../../support/analyse-text';

const loneSurrogate = /\p{Surrogate}/u;

/** What PostgreSQL can hold, with what quoting has to be careful about in plenty. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        "'",
        '\\',
        '{',
        '}',
        ',',
        '$',
        '$$',
        '--',
        '/*',
        '*/',
        ';',
        ' ',
        '\n',
        'E',
        'U&',
        'NULL',
        'é',
        '😀',
        '%',
      ),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))
  .filter((value) => !value.includes('\0') && !loneSurrogate.test(value));

function firstValue(sql: string): Node {
  const [target] = parseSelect(sql).targetList ?? [];
  if (target === undefined || !('ResTarget' in target) || target.ResTarget.val === undefined)
    throw new Error(sql);
  return target.ResTarget.val;
}

/** PostgreSQL's array_in, for what we write: elements in double quotes, backslashes before what they would end. */
function readArray(literal: string): string[] {
  expect(literal.startsWith('{') && literal.endsWith('}')).toBe(true);
  const elements = [...literal.slice(1, -1).matchAll(/"((?:[^"\\]|\\[\s\S])*)"(?:,|$)/g)];
  expect(elements.map(([element]) => element).join('')).toBe(literal.slice(1, -1));
  return elements.map(([, body = '']) => body.replaceAll(/\\([\s\S])/g, '$1'));
}

beforeAll(loadParser);

test('a quoted identifier is that identifier', () => {
  fc.assert(
    fc.property(
      text.filter((name) => name !== '' && Buffer.byteLength(name) < 64),
      (name) => {
        expect(firstValue(`select ${quoteIdentifier(name)}`)).toMatchObject({
          ColumnRef: { fields: [{ String: { sval: name } }] },
        });
      },
    ),
    { numRuns: 500 },
  );
});

test('a quoted literal is that string, and nothing after it is part of it', () => {
  fc.assert(
    fc.property(text, text, (value, other) => {
      const [statement, ...more] = parseStatements(`select ${quoteLiteral(value)}, ${quoteLiteral(other)}`);
      expect(more).toEqual([]);
      const values = (statement?.stmt as { SelectStmt: { targetList: Node[] } }).SelectStmt.targetList;
      expect(values).toMatchObject(
        [value, other].map((sval) => ({
          ResTarget: { val: { A_Const: { sval: sval === '' ? {} : { sval } } } },
        })),
      );
    }),
    { numRuns: 500 },
  );
});

test('a quoted array holds those strings', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (values) => {
      const node = firstValue(`select ${quoteArray(values, 'text', 'text')}`);
      const constant = 'TypeCast' in node ? node.TypeCast.arg : undefined;
      const literal =
        constant !== undefined && 'A_Const' in constant ? constant.A_Const.sval?.sval : undefined;
      expect(readArray(literal ?? '')).toEqual(values);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['an identifier', quoteIdentifier],
  ['a literal', quoteLiteral],
])('refuses: NUL in %s', (_title, quote) => {
  expect(() => quote('a\0b')).toThrow('null character');
});
