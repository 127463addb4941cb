import type { BoundParameters } from '../../../src/engine/engine';
import { fitTypes, parameterReader, parametersKey } from '../../../src/engine/parameter-values';
import { TypeOid } from '../../../src/query/catalog/catalog';

function binary(length: number, write: (bytes: Buffer) => unknown): Buffer {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
}

const bind = (values: readonly (Buffer | null)[], formats: readonly number[] = []): BoundParameters => ({
  declaredOids: [],
  formats,
  values,
});

const read = (
  typeOid: number,
  value: Buffer | null,
  format: 0 | 1,
  encoding = 'UTF8',
): string | null | undefined => parameterReader(bind([value], [format]), [typeOid], encoding)(1)?.text;

const microsOf = (iso: string): bigint => BigInt(Date.parse(iso) - Date.UTC(2000, 0, 1)) * 1_000n;
const int8 = (value: bigint): Buffer => binary(8, (bytes) => bytes.writeBigInt64BE(value));

describe('fitTypes', () => {
  const int4 = binary(4, (bytes) => bytes.writeInt32BE(5));

  test.each([
    ['int4 in binary', TypeOid.int4, int4, 1, true],
    ['int8 in binary, where int4 is thought of', TypeOid.int4, int8(5n), 1, false],
    ['int4 in binary, where int8 is thought of', TypeOid.int8, int4, 1, false],
    ['text in binary', TypeOid.text, int4, 1, true],
    ['NULL', TypeOid.int4, null, 1, true],
    ['the greatest int4 as text', TypeOid.int4, Buffer.from(' 2147483647 '), 0, true],
    ['more than that', TypeOid.int4, Buffer.from('2147483648'), 0, false],
    ['the least int2', TypeOid.int2, Buffer.from('-32768'), 0, true],
    ['less than that', TypeOid.int2, Buffer.from('-32769'), 0, false],
    ['a number of any size, where int8 is thought of', TypeOid.int8, Buffer.from('9'.repeat(18)), 0, true],
    ['what is no number', TypeOid.int4, Buffer.from('five'), 0, true],
  ] as const)('%s', (_title, typeOid, value, format, expected) => {
    expect(fitTypes(bind([value], [format]), [typeOid])).toBe(expected);
  });
});

describe('applies: a parameter is read', () => {
  test.each([
    ['text format, of any type', TypeOid.interval, Buffer.from('1 day'), 0, '1 day'],
    ['an empty text', TypeOid.text, Buffer.alloc(0), 0, ''],
    ['letters of several bytes', TypeOid.text, Buffer.from('żółw'), 1, 'żółw'],
    ['NULL', TypeOid.text, null, 1, null],
    ['true', TypeOid.bool, Buffer.from([1]), 1, 't'],
    ['false', TypeOid.bool, Buffer.from([0]), 1, 'f'],
    ['int2', TypeOid.int2, binary(2, (b) => b.writeInt16BE(-7)), 1, '-7'],
    ['int4', TypeOid.int4, binary(4, (b) => b.writeInt32BE(-(2 ** 31))), 1, '-2147483648'],
    ['int8', TypeOid.int8, int8(2n ** 63n - 1n), 1, '9223372036854775807'],
    [
      'float4, in as many digits as tell it from others',
      TypeOid.float4,
      binary(4, (b) => b.writeFloatBE(0.1)),
      1,
      '0.100000001',
    ],
    ['float8', TypeOid.float8, binary(8, (b) => b.writeDoubleBE(0.1)), 1, '0.1'],
    ['NaN', TypeOid.float8, binary(8, (b) => b.writeDoubleBE(NaN)), 1, 'NaN'],
    ['minus infinity', TypeOid.float8, binary(8, (b) => b.writeDoubleBE(-Infinity)), 1, '-Infinity'],
    ['minus zero keeps its sign', TypeOid.float8, binary(8, (b) => b.writeDoubleBE(-0)), 1, '-0'],
    [
      'uuid',
      TypeOid.uuid,
      Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
      1,
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    ['date', TypeOid.date, binary(4, (b) => b.writeInt32BE(-1)), 1, '1999-12-31'],
    [
      'timestamp',
      TypeOid.timestamp,
      int8(microsOf('2024-02-29T12:34:56Z') + 7n),
      1,
      '2024-02-29 12:34:56.000007',
    ],
    ['timestamp before 2000', TypeOid.timestamp, int8(-1n), 1, '1999-12-31 23:59:59.999999'],
    ['timestamptz, with its zone', TypeOid.timestamptz, int8(0n), 1, '2000-01-01 00:00:00.000000+00'],
  ] as const)('%s', (_title, oid, value, format, text) => {
    expect(read(oid, value, format)).toBe(text);
  });

  test('formats: none means text, one counts for all, otherwise each has its own', () => {
    const one = binary(4, (b) => b.writeInt32BE(1));
    const oids = [TypeOid.int4, TypeOid.int4];
    expect(parameterReader(bind([Buffer.from('7'), Buffer.from('8')]), oids, 'UTF8')(2)?.text).toBe('8');
    expect(parameterReader(bind([one, one], [1]), oids, 'UTF8')(2)?.text).toBe('1');
    expect(parameterReader(bind([one, Buffer.from('8')], [1, 0]), oids, 'UTF8')(2)?.text).toBe('8');
  });
});

describe('refuses: a parameter that is not read leaves its condition out', () => {
  test.each([
    ['a binary type that is not known', TypeOid.numeric, Buffer.from([0, 0]), 1],
    ['a wrong length', TypeOid.int4, Buffer.from([0, 0]), 1],
    ['bytes that are not UTF-8', TypeOid.text, Buffer.from([0xff]), 0],
    ['a null character', TypeOid.text, Buffer.from('a\0b'), 1],
    ['infinity', TypeOid.date, binary(4, (b) => b.writeInt32BE(2 ** 31 - 1)), 1],
    ['a time before the year 1', TypeOid.timestamp, int8(microsOf('0001-01-01T00:00:00Z') - 1n), 1],
  ] as const)('%s', (_title, oid, value, format) => {
    expect(read(oid, value, format)).toBeUndefined();
  });

  test('letters in another client encoding', () => {
    expect(read(TypeOid.text, Buffer.from('abc'), 0, 'LATIN1')).toBe('abc');
    expect(read(TypeOid.text, Buffer.from('ą'), 0, 'LATIN1')).toBeUndefined();
  });

  test('one that is not bound, or of no known type', () => {
    const reader = parameterReader(bind([Buffer.from('1')]), [], 'UTF8');
    expect([reader(0), reader(1), reader(2)]).toEqual([undefined, undefined, undefined]);
  });
});

describe('parametersKey', () => {
  const key = parametersKey(bind([Buffer.from('1')]));

  test('is equal for equal values', () => {
    expect(parametersKey(bind([Buffer.from('1')]))).toBe(key);
  });

  test.each([
    ['another value', bind([Buffer.from('2')])],
    ['another format', bind([Buffer.from('1')], [1])],
    ['another type', { ...bind([Buffer.from('1')]), declaredOids: [TypeOid.int4] }],
    ['NULL, and the text', bind([null])],
    ['one value more', bind([Buffer.from('1'), null])],
  ])('refuses: %s', (_title, other) => {
    expect(parametersKey(other)).not.toBe(key);
  });

  test('tells bytes apart that are no text', () => {
    expect(parametersKey(bind([Buffer.from([0xfe])]))).not.toBe(parametersKey(bind([Buffer.from([0xff])])));
  });
});
