import fc from 'fast-check';
import { DamagedRecordError } from '../../../../src/cache/codecs/damaged-record-error';
import { fromRoaring, toRoaring } from '../../../../src/cache/codecs/roaring';
import { Int64KeySet } from '../../../../src/cache/key-sets/int64-key-set';
import { keySets, maxInt64, minInt64 } from '../../../support/cache-entries';

const setOf = (keys: readonly bigint[]): Int64KeySet => Int64KeySet.from('integer', keys, false);

/** Number of parts; then by part its upper half, cookie, containers, key and size less one of each, offsets, values. */
const oneTwoAndTwoTo32 =
  '0200000000000000' +
  ('00000000' + '3a300000' + '01000000' + '0000' + '0100' + '10000000' + '0100' + '0200') +
  ('01000000' + '3a300000' + '01000000' + '0000' + '0000' + '10000000' + '0000');

test('has the bytes the format specification says', () => {
  const keys = [1n, 2n, 2n ** 32n];
  expect(toRoaring(setOf(keys)).toString('hex')).toBe(oneTwoAndTwoTo32);
  expect([...fromRoaring(Buffer.from(oneTwoAndTwoTo32, 'hex'), false).values()]).toEqual(keys);
});

test('has negative keys last, and gives them back first', () => {
  const keys = [minInt64, -1n, 0n, maxInt64];
  const bytes = toRoaring(setOf(keys));
  expect(bytes.subarray(-22, -18).readUInt32LE()).toBe(0xffff_ffff);
  expect([...fromRoaring(bytes, false).values()]).toEqual(keys);
});

test('gives back any keys', () => {
  fc.assert(
    fc.property(keySets('integer'), (keys) => {
      const set = Int64KeySet.from('integer', keys.values(), keys.hasNullKey);
      expect([...fromRoaring(toRoaring(set), set.hasNullKey).values()]).toEqual([...set.values()]);
    }),
  );
});

test('is small where keys follow one another', () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => BigInt(i));
  expect(toRoaring(setOf(keys)).length).toBeLessThan(100);
});

test.each([
  ['nothing', ''],
  ['more parts than bytes', 'ffffffffffffffff'],
  ['a part that is cut off', oneTwoAndTwoTo32.slice(0, -4)],
  ['bytes too many', oneTwoAndTwoTo32 + '00'],
  ['parts out of order', '0200000000000000' + oneTwoAndTwoTo32.slice(56) + oneTwoAndTwoTo32.slice(16, 56)],
  ['keys out of order', oneTwoAndTwoTo32.replace('01000200', '02000100')],
  ['no bitmap', '0100000000000000' + '00000000' + 'ffffffffffffffff'],
])('refuses: %s', (_title, hex) => {
  expect(() => fromRoaring(Buffer.from(hex, 'hex'), false)).toThrow(DamagedRecordError);
});

test('damaged bytes are refused, or read as some set of ascending keys', () => {
  const bytes = toRoaring(setOf(Array.from({ length: 300 }, (_, i) => BigInt(i) ** 3n - 1_000_000n)));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = value;
      let keys: readonly bigint[];
      try {
        keys = [...fromRoaring(damaged, false).values()];
      } catch (error) {
        expect(error).toBeInstanceOf(DamagedRecordError);
        return;
      }
      expect(keys.every((key, i) => i === 0 || key > (keys[i - 1] ?? key))).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
