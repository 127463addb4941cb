import { redact } from '../../../../src/query/ast/redact';
import { scanTokens } from '../../../../src/query/ast/scan';

const redacted = (text: string, maxLength = 1_000): string => redact(scanTokens(text), maxLength);

describe('redact', () => {
  test.each([
    ["select 1 from t where a = 'x' and b<5.5", 'select $1 from t where a = $2 and b<$3'],
    ['select  a\n\t from\tt', 'select a from t'],
    ['select $2, $1 where x = 7', 'select $2 /*, ... */ where x = $3'],
    ['a in (1, 2, 3) or b in (4)', 'a in ($1 /*, ... */) or b in ($2)'],
    ["a = any('{1,2}') /* secret */ -- secret", 'a = any($1)'],
    [
      `a = E'it\\'s' and b = U&'\\0041' and c = $q$it's$q$ and d = B'01'`,
      'a = $1 and b = $2 and c = $3 and d = $4',
    ],
    ['"Straße 7" = \'Straße\'', '"Straße 7" = $1'],
    ["x = 'a' 'b'", 'x = $1 $2'],
    ['values (1, 2), (3, 4)', 'values ($1 /*, ... */), ($2 /*, ... */)'],
  ])('%s', (text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  test('refuses: to tell what may be a value where backslashes escape', () => {
    expect(redacted("a = 'it\\'s secret' and b = 1")).toBe('a = $1…');
    expect(redacted("a = 'it''s' and b = 'c:\\dir'")).toBe('a = $1 and b = $2');
  });

  test('refuses: a value in what is not closed', () => {
    expect(redacted("a = 'secret")).toBe('a = $1');
    expect(redacted('a = $x$ secret')).toBe('a = $1');
    expect(redacted('a = 1 /* secret')).toBe('a = $1');
  });

  test('a long list takes no room', () => {
    expect(redacted(`a in (${'1,'.repeat(500)}1) and b = 2`, 50)).toBe('a in ($1 /*, ... */) and b = $2');
  });

  test('a long text is cut, and not within a character', () => {
    expect(redacted('select a, b, c', 8)).toBe('select a…');
    expect(redacted('"😀😀"', 2)).toBe('"…');
  });
});
