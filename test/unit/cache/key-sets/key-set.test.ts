import fc from 'fast-check';
import { createKeySet, equalKeySets, toSortedKeySet } from '../../../../src/cache/key-sets/create-key-set';
import { intersectKeySets } from '../../../../src/cache/key-sets/intersect-key-sets';
import type { KeySet } from '../../../../src/cache/key-set';
import {
  type PartitionKeyType,
  partitionKeyTypes,
  type PartitionValue,
} from '../../../../src/query/partition-key';
import { awkwardValues, maxInt64, minInt64 } from '../../../support/cache-entries';

describe('a key set', () => {
  test.each<[PartitionKeyType, readonly PartitionValue[], readonly PartitionValue[]]>([
    ['integer', [3n, -1n, 3n, maxInt64, minInt64, 0n], [minInt64, -1n, 0n, 3n, maxInt64]],
    ['timestamp', [1n, minInt64, 1n], [minInt64, 1n]],
    ['float', [NaN, 1, -0, 0, -Infinity, Infinity, NaN, 0.5], [-Infinity, 0, 0.5, 1, Infinity, NaN]],
    // By code point: U+FFFD before U+10000, which JavaScript's own order has the other way round.
    ['text', ['b', '𐀀', '\ufffd', '', 'a', 'b', 'B', 'ab'], ['', 'B', 'a', 'ab', 'b', '\ufffd', '𐀀']],
  ])('of type %s is sorted and without duplicates', (datatype, values, expected) => {
    const set = createKeySet(datatype, values);
    expect([...set.values()]).toEqual(expected);
    expect(set.size).toBe(expected.length);
  });

  test('of floats has no -0 and finds it as 0', () => {
    const set = createKeySet('float', [-0]);
    expect(Object.is([...set.values()][0], 0)).toBe(true);
    expect(set.has(-0)).toBe(true);
    expect(set.has(NaN)).toBe(false);
  });

  test.each(partitionKeyTypes)('of type %s knows what it has', (datatype) => {
    const [first, ...others] = awkwardValues[datatype];
    const set = createKeySet(datatype, others);
    expect(others.every((value) => set.has(value))).toBe(true);
    expect(first !== undefined && set.has(first)).toBe(false);
  });

  test.each(partitionKeyTypes)('of type %s may be empty, with or without the NULL key', (datatype) => {
    expect(createKeySet(datatype, [])).toMatchObject({ datatype, size: 0, hasNullKey: false });
    expect(createKeySet(datatype, [], { hasNullKey: true })).toMatchObject({ size: 0, hasNullKey: true });
  });

  test.each<[PartitionKeyType, unknown, string]>([
    ['integer', 2n ** 63n, 'has 64 bits'],
    ['integer', -(2n ** 63n) - 1n, 'has 64 bits'],
    ['integer', 1, 'not a number'],
    ['timestamp', new Date(0), 'not a object'],
    ['float', 1n, 'not a bigint'],
    ['float', '1', 'not a string'],
    ['text', 1, 'not a number'],
    ['text', 'a\0b', 'NUL (at 1)'],
    ['text', 'ab\ud800', 'lone surrogate at 2'],
    ['text', '\udc00\ud800', 'lone surrogate at 0'],
    ['text', null, 'not a object'],
  ])('of type %s refuses: %p', (datatype, value, message) => {
    expect(() => createKeySet(datatype, [value as PartitionValue])).toThrow(TypeError);
    expect(() => createKeySet(datatype, [value as PartitionValue])).toThrow(message);
    expect(() => createKeySet(datatype, []).has(value as PartitionValue)).toThrow(TypeError);
  });

  test('says about how much memory it takes', () => {
    const values = Array.from({ length: 1_000 }, (_, i) => BigInt(i));
    expect(createKeySet('integer', values).bytes).toBeGreaterThanOrEqual(4_000);
    expect(createKeySet('integer', values).bytes).toBeLessThan(5_000);
    expect(createKeySet('integer', [...values, 2n ** 31n]).bytes).toBeGreaterThanOrEqual(8_000);
    expect(createKeySet('text', ['x'.repeat(1_000)]).bytes).toBeGreaterThan(1_000);
    expect(createKeySet('text', ['é'.repeat(1_000), '語'.repeat(1_000)]).bytes).toBeGreaterThan(3_000);
  });

  test('of somebody else is taken over with all it has', () => {
    const other: KeySet = {
      datatype: 'integer',
      size: 2,
      hasNullKey: true,
      bytes: 0,
      has: () => false,
      values: () => [2n, 1n],
    };
    expect(equalKeySets(toSortedKeySet(other), createKeySet('integer', [1n, 2n], { hasNullKey: true }))).toBe(
      true,
    );
  });
});

describe('equality of key sets', () => {
  const set = createKeySet('float', [1, NaN]);
  test('holds for the same keys', () =>
    expect(equalKeySets(set, createKeySet('float', [NaN, 1]))).toBe(true));
  test.each([
    ['another key', createKeySet('float', [2, NaN])],
    ['fewer keys', createKeySet('float', [1])],
    ['the NULL key', createKeySet('float', [1, NaN], { hasNullKey: true })],
    ['another datatype', createKeySet('text', ['1', 'NaN'])],
  ])('refuses: %s', (_title, other) => expect(equalKeySets(set, other)).toBe(false));
});

describe('intersection', () => {
  test('of no sets is not known', () => expect(intersectKeySets([])).toBeUndefined());

  test('keeps the NULL key only if all have it', () => {
    const withNull = createKeySet('integer', [1n], { hasNullKey: true });
    expect(intersectKeySets([withNull, withNull])?.hasNullKey).toBe(true);
    expect(intersectKeySets([withNull, createKeySet('integer', [1n])])?.hasNullKey).toBe(false);
  });

  test.each<[string, readonly bigint[], readonly bigint[], readonly bigint[]]>([
    [
      'all of 32 bits',
      [-(2n ** 31n), -1n, 0n, 7n, 2n ** 31n - 1n],
      [-(2n ** 31n), 0n, 8n, 2n ** 31n - 1n],
      [-(2n ** 31n), 0n, 2n ** 31n - 1n],
    ],
    ['one beyond them', [-1n, 0n, 2n ** 32n], [0n, 2n ** 32n - 1n, 2n ** 32n], [0n, 2n ** 32n]],
    ['the same low halves', [0n, 1n], [2n ** 32n, 2n ** 32n + 1n], []],
    ['nothing in common', [1n, 3n, 5n], [2n, 4n, 6n], []],
    ['an empty one', [], [1n], []],
  ])('of integers: %s', (_title, a, b, common) => {
    const [x, y] = [createKeySet('integer', a), createKeySet('integer', b)];
    expect([...(intersectKeySets([x, y])?.values() ?? [])]).toEqual(common);
    expect([...(intersectKeySets([y, x])?.values() ?? [])]).toEqual(common);
  });

  test('of random integers is what looking each up finds', () => {
    const random = fc.array(fc.oneof(fc.bigInt(-40n, 40n), fc.bigInt(minInt64, maxInt64)), { maxLength: 60 });
    fc.assert(
      fc.property(random, random, (a, b) => {
        const [x, y] = [createKeySet('integer', a), createKeySet('integer', b)];
        expect([...(intersectKeySets([x, y])?.values() ?? [])]).toEqual(
          [...x.values()].filter((key) => y.has(key)),
        );
      }),
    );
  });

  test('refuses: sets of two datatypes, also where they are stored alike', () => {
    expect(() => intersectKeySets([createKeySet('integer', [1n]), createKeySet('timestamp', [1n])])).toThrow(
      TypeError,
    );
  });
});
