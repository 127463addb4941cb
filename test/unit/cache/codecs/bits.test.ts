import fc from 'fast-check';
import { fromBits, toBits } from '../../../../src/cache/codecs/bits';
import { Int64KeySet } from '../../../../src/cache/key-sets/int64-key-set';

const setOf = (keys: readonly bigint[]): Int64KeySet => Int64KeySet.from('integer', keys, false);

// As `select B'…'` and SETBIT have it: bit 0 is the highest of the first byte.
test.each([
  [[], ''],
  [[0n], '80'],
  [[7n], '01'],
  [[8n], '0080'],
  [[0n, 1n, 17n], 'c00040'],
])('the keys %j are the bits %s', (keys, hex) => {
  expect(toBits(setOf(keys)).toString('hex')).toBe(hex);
  expect([...fromBits(Buffer.from(hex, 'hex'), false).values()]).toEqual(keys);
});

test('gives back any keys it has room for', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 5_000n })), fc.boolean(), (keys, hasNullKey) => {
      const set = Int64KeySet.from('integer', keys, hasNullKey);
      const back = fromBits(toBits(set), hasNullKey);
      expect([...back.values()]).toEqual([...set.values()]);
      expect(back.hasNullKey).toBe(hasNullKey);
    }),
  );
});

test.each([-1n, 2n ** 32n, 2n ** 63n - 1n])('refuses: the key %s', (key) => {
  expect(() => toBits(setOf([5n, key]))).toThrow(RangeError);
});
