import { crc32, crc32c } from '../../../../src/cache/codecs/crc32';
import { decodeDescription, encodeDescription } from '../../../../src/cache/codecs/description-codec';
import { decodeKeySet, encodeKeySet } from '../../../../src/cache/codecs/key-set-codec';
import { sealRecord } from '../../../../src/cache/codecs/record';
import { parseTagged, stringifyTagged } from '../../../../src/cache/codecs/tagged-json';
import { createKeySet } from '../../../../src/cache/key-sets/create-key-set';
import { partitionKeyTypes } from '../../../../src/query/partition-key';
import { descriptionOf, failedEntry, maxInt64, minInt64, sampleEntry } from '../../../support/cache-entries';

// The check value every catalogue of CRCs gives.
test.each([
  [crc32, 0xcbf43926],
  [crc32c, 0xe3069283],
])('a CRC of "123456789" is the one it should be', (crc, expected) => {
  expect(crc(Buffer.from('123456789'))).toBe(expected);
  expect(crc(Buffer.alloc(0))).toBe(0);
});

describe('a stored key set', () => {
  // The format is on people's disks: if one of these changes, its version in record.ts must.
  // Version, kind; datatype and NULL flag, count; keys; then a checksum.
  test.each([
    [
      'integer',
      createKeySet('integer', [-1n, 0n, 1n, 300n]),
      '0101' + '0104' + 'ffffffffffffffffff01' + '0000aa02',
    ],
    ['text', createKeySet('text', ['', 'é']), '0101' + '0302' + '00' + '02c3a9'],
    ['float', createKeySet('float', [1], { hasNullKey: true }), '0101' + '8201' + '000000000000f03f'],
    ['timestamp', createKeySet('timestamp', []), '0101' + '0400'],
  ] as const)('of type %s has the bytes of version 1', (datatype, set, expected) => {
    const record = encodeKeySet(set);
    expect(record.toString('hex').slice(0, -8)).toBe(expected);
    expect([...decodeKeySet(datatype, record).values()]).toEqual([...set.values()]);
  });

  test('takes a byte for a key that follows another', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => BigInt(i) + 2n ** 40n);
    expect(encodeKeySet(createKeySet('integer', keys)).length).toBeLessThan(10_030);
  });

  test('spans all integers', () => {
    const set = createKeySet('integer', [minInt64, maxInt64]);
    expect([...decodeKeySet('integer', encodeKeySet(set)).values()]).toEqual([minInt64, maxInt64]);
  });

  test.each(partitionKeyTypes)('refuses: to be read as another type than %s', (datatype) => {
    const record = encodeKeySet(createKeySet(datatype, []));
    for (const other of partitionKeyTypes.filter((candidate) => candidate !== datatype)) {
      expect(() => decodeKeySet(other, record)).toThrow(`holds no keys of type ${other}`);
    }
  });

  test.each([
    ['more keys than bytes', Buffer.from([1, 0xff, 0xff, 0xff, 0x7f, 1]), 'claims 268435455 keys'],
    ['bytes too many', Buffer.from([1, 1, 1, 1]), 'has 1 bytes too many'],
    ['a key above 2^64', Buffer.from([1, 1, ...Buffer.alloc(9, 0xff), 0x02]), 'above 2^64'],
    ['nothing', Buffer.alloc(0), 'ends at byte 0'],
  ])('refuses: %s', (_title, payload, message) => {
    expect(() => decodeKeySet('integer', sealRecord('keySet', payload))).toThrow(message);
  });

  test('refuses: another version, saying which', () => {
    const record = Buffer.from(encodeKeySet(createKeySet('integer', [])));
    record[0] = 2;
    expect(() => decodeKeySet('integer', record)).toThrow('has version 2, this program reads 1');
  });
});

describe('a stored description', () => {
  test.each([
    ['of a computed entry', descriptionOf(sampleEntry(createKeySet('text', ['a'], { hasNullKey: true })))],
    ['of a failure', descriptionOf(failedEntry('too_large', 'float'))],
  ])('comes back: %s', (_title, description) => {
    const read = decodeDescription(encodeDescription(description));
    expect(read).toEqual(description);
    expect(Object.keys(read)).toEqual(expect.arrayContaining(['snapshot', 'error']));
  });

  test.each([
    ['an unknown status', { status: 'fine' }],
    ['a status like a property of objects', { status: 'toString' }],
    ['no fragment', { fragment: null }],
    ['a time that is text', { createdAt: '1' }],
  ])('refuses: %s', (_title, change) => {
    const description = { ...descriptionOf(failedEntry('failed', 'integer')), ...change };
    const record = sealRecord('description', Buffer.from(stringifyTagged(description)));
    expect(() => decodeDescription(record)).toThrow('is no description');
  });
});

describe('tagged JSON', () => {
  test('shows bigints as what they are', () => {
    expect(stringifyTagged({ a: 1n, $b: [2] })).toBe('{"a":{"$bigint":"1"},"$$b":[2]}');
  });

  test.each([[NaN], [Infinity], [new Map()], [new Date(0)], [() => 1], [Symbol('a')], [[undefined]]])(
    'refuses: %p, which JSON would change without a word',
    (value) => {
      expect(() => stringifyTagged({ deep: [value] })).toThrow('$.deep[0]');
    },
  );

  test.each(['{"$bigint":"x"}', '{"$bigint":1}', '{"$bigint":"0x10"}', '{'])('refuses: %s', (text) => {
    expect(() => parseTagged(text)).toThrow(SyntaxError);
  });
});
