import { quoteArray, quoteIdentifier, quoteLiteral } from '../../../../src/query/ast/quote';
import { loadParser, parseStatements } from '../../../../src/query/ast/parser';

/** The value of the first constant of a SELECT, as PostgreSQL's parser reads it. */
function constantOf(sql: string): string {
  const found = /"sval":\{(?:"sval":("(?:[^"\\]|\\.)*"))?\}/.exec(
    JSON.stringify(parseStatements(`SELECT ${sql}`)),
  );
  return found?.[1] === undefined ? '' : (JSON.parse(found[1]) as string);
}

const microsOf = (iso: string): bigint => BigInt(Date.parse(iso) - Date.UTC(2000, 0, 1)) * 1_000n;

beforeAll(loadParser);

describe('quoteIdentifier', () => {
  test.each([
    ['place', '"place"'],
    ['Region Id', '"Region Id"'],
    ['a"b', '"a""b"'],
    ['select', '"select"'],
    ['żółw', '"żółw"'],
    ['', '""'],
  ])('%s', (name, quoted) => {
    expect(quoteIdentifier(name)).toBe(quoted);
  });

  test('refuses: a null character', () => {
    expect(() => quoteIdentifier('a\0b')).toThrow('null character');
  });
});

describe('quoteLiteral', () => {
  test.each([
    "it's",
    "''",
    'back\\slash',
    "\\'",
    '-- no comment',
    '$$',
    '$1',
    '{0}',
    'żółw',
    '',
    "E'x'",
    'a\nb',
  ])('is read back as it was: %j', (value) => {
    expect(constantOf(quoteLiteral(value))).toBe(value);
  });

  test('refuses: a null character', () => {
    expect(() => quoteLiteral('\0')).toThrow('null character');
  });
});

describe('quoteArray', () => {
  test.each([
    [
      'integers',
      'integer',
      'int8',
      [1n, -2n, 2n ** 63n - 1n],
      `'{1,-2,9223372036854775807}'::pg_catalog.int8[]`,
    ],
    ['no value', 'integer', 'int4', [], `'{}'::pg_catalog.int4[]`],
    [
      'floats',
      'float',
      'float8',
      [0.1, NaN, -Infinity, 1e300],
      `'{0.1,NaN,-Infinity,1e+300}'::pg_catalog.float8[]`,
    ],
    [
      'texts with everything an array gives a meaning to',
      'text',
      'text',
      ['a', 'NULL', '', 'a,b', '{}', '"', '\\', "'"],
      `'{"a","NULL","","a,b","{}","\\"","\\\\","''"}'::pg_catalog.text[]`,
    ],
  ] as const)('%s', (_title, datatype, elementType, values, expected) => {
    expect(quoteArray(values, datatype, elementType)).toBe(expected);
  });

  test.each([
    ['the epoch', 0n, '2000-01-01 00:00:00.000000'],
    ['one microsecond before it', -1n, '1999-12-31 23:59:59.999999'],
    ['a leap day', microsOf('2024-02-29T12:34:56Z'), '2024-02-29 12:34:56.000000'],
    [
      'the day after February of a common century',
      microsOf('1900-03-01T00:00:00Z'),
      '1900-03-01 00:00:00.000000',
    ],
    ['a year of five digits', microsOf('+012345-06-07T00:00:00Z'), '12345-06-07 00:00:00.000000'],
    [
      'the last microsecond before the year 1',
      microsOf('0001-01-01T00:00:00Z') - 1n,
      '0001-12-31 23:59:59.999999 BC',
    ],
    ['the ides of March', microsOf('-000043-03-15T00:00:00Z'), '0044-03-15 00:00:00.000000 BC'],
    ['the end of time', 2n ** 63n - 1n, 'infinity'],
    ['its beginning', -(2n ** 63n), '-infinity'],
  ])('timestamps: %s', (_title, micros, text) => {
    expect(quoteArray([micros], 'timestamp', 'timestamp')).toBe(`'{"${text}"}'::pg_catalog.timestamp[]`);
  });

  test('timestamps with time zone say which', () => {
    expect(quoteArray([0n], 'timestamp', 'timestamptz')).toBe(
      `'{"2000-01-01 00:00:00.000000+00"}'::pg_catalog.timestamptz[]`,
    );
  });
});
