import fc from 'fast-check';
import {
  formatDecimal,
  parseDecimal,
  toMultiple,
  type Decimal,
} from '../../../src/query/analysis/widening/decimal';

/** Numbers as they are written: signs, zeros at either end, points at either end, exponents. */
const written = fc
  .record({
    sign: fc.constantFrom('', '-', '+'),
    whole: fc.stringMatching(/^[0-9]{0,12}$/),
    fraction: fc.option(fc.stringMatching(/^[0-9]{0,8}$/), { nil: undefined }),
    exponent: fc.option(fc.integer({ min: -12, max: 12 }), { nil: undefined }),
  })
  .filter(({ whole, fraction }) => whole !== '' || (fraction ?? '') !== '')
  .map(
    ({ sign, whole, fraction, exponent }) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${exponent === undefined ? '' : `e${exponent}`}`,
  );
const steps = written
  .map((text) => text.replace(/^[+-]/, ''))
  .filter((text) => /[1-9]/.test(text.replace(/e.*/, '')));

function parse(text: string): Decimal {
  const value = parseDecimal(text);
  if (value === undefined) throw new Error(`not read: ${text}`);
  return value;
}

/** The difference as a count of 10^-40. */
const minus = (a: Decimal, b: Decimal): bigint =>
  a.digits * 10n ** BigInt(40 - a.scale) - b.digits * 10n ** BigInt(40 - b.scale);
const zero: Decimal = { digits: 0n, scale: 0 };

test('what is written out is read as the same number, and written the same again', () => {
  fc.assert(
    fc.property(written, (text) => {
      const value = parse(text);
      const again = formatDecimal(value);
      expect(again).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
      expect(minus(parse(again), value)).toBe(0n);
      expect(Number(again)).toBe(Number(text) + 0);
    }),
  );
});

test('the multiple is on the right side, less than a step away, and one', () => {
  fc.assert(
    fc.property(written, steps, fc.constantFrom('up' as const, 'down' as const), (text, step, direction) => {
      const [value, unit] = [parse(text), parse(step)];
      const multiple = toMultiple(value, unit, direction);
      const distance = direction === 'up' ? minus(multiple, value) : minus(value, multiple);
      expect(distance).toBeGreaterThanOrEqual(0n);
      expect(distance).toBeLessThan(minus(unit, zero));
      expect(minus(multiple, zero) % minus(unit, zero)).toBe(0n);
      expect(minus(toMultiple(multiple, unit, direction), multiple)).toBe(0n);
    }),
  );
});

test.each([
  ['290', '100', 'up', '300'],
  ['300', '100', 'up', '300'],
  ['300.000000000000001', '100', 'up', '400'],
  ['290', '100', 'down', '200'],
  ['-290', '100', 'up', '-200'],
  ['-290', '100', 'down', '-300'],
  ['0.3', '0.1', 'up', '0.3'],
  ['0.7', '0.1', 'down', '0.7'],
  ['1', '0.3', 'up', '1.2'],
  ['2.5e6', '1e6', 'up', '3000000'],
  ['1234567', '1000', 'up', '1235000'],
  ['1e-7', '0.00001', 'up', '0.00001'],
  ['-0.0', '5', 'down', '0'],
] as const)('%s in steps of %s %s is %s', (value, step, direction, expected) => {
  expect(formatDecimal(toMultiple(parse(value), parse(step), direction))).toBe(expected);
});

test.each(['', '-', '.', 'e5', 'NaN', 'Infinity', '0x1f', '1_000', '1e100000', '1 2', '5::int'])(
  'refuses: %j',
  (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  },
);
