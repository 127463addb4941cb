import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { keyHeat } from '../../../src/engine/statistics/key-heat';
import { type PartitionKeyType, type PartitionValue } from '../../../src/query/partition-key';

const sets = (datatype: PartitionKeyType, ...of: PartitionValue[][]) =>
  of.map((values) => createKeySet(datatype, values));

describe('keyHeat', () => {
  test('integers are cut where their values are, and a gap shows', () => {
    const { parts, ...rest } = keyHeat('region', 'integer', sets('integer', [1n, 2n, 30n], [2n, 30n]), {
      maxParts: 3,
    });
    expect(rest).toEqual({ partitionKey: 'region', datatype: 'integer', sets: 2, keys: 5 });
    expect(parts).toEqual([
      { count: 3, first: '1', last: '10' },
      { count: 0, first: '11', last: '20' },
      { count: 2, first: '21', last: '30' },
    ]);
  });

  test('there are no more parts than keys can be', () => {
    expect(keyHeat('k', 'integer', sets('integer', [5n, 7n])).parts).toEqual([
      { count: 1, first: '5', last: '5' },
      { count: 0, first: '6', last: '6' },
      { count: 1, first: '7', last: '7' },
    ]);
    expect(keyHeat('k', 'float', sets('float', [0.5])).parts).toEqual([
      { count: 1, first: '0.5000', last: '0.5000' },
    ]);
  });

  test.each<[string, PartitionKeyType, PartitionValue[]]>([
    ['no sets', 'integer', []],
    ['infinities of time', 'timestamp', [-(2n ** 63n), 2n ** 63n - 1n]],
    ['infinities and NaN', 'float', [Infinity, -Infinity, NaN]],
  ])('has no parts for %s', (_title, datatype, values) => {
    expect(keyHeat('k', datatype, sets(datatype, values)).parts).toEqual([]);
  });

  test('the ends of what a key can be make no part that is not there', () => {
    const { parts } = keyHeat('k', 'integer', sets('integer', [-(2n ** 63n), 0n, 2n ** 63n - 1n]));
    expect(parts).toHaveLength(96);
    expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  });

  test('times are told as such; texts, which may be confidential, are not told', () => {
    const [time] = keyHeat('k', 'timestamp', sets('timestamp', [0n])).parts;
    expect(time).toEqual({ count: 1, first: '2000-01-01 00:00', last: '2000-01-01 00:00' });
    const heat = keyHeat('k', 'text', sets('text', ['secret', 'a', 'b'], ['b']), { maxParts: 2 });
    expect(heat.parts).toEqual([
      { count: 1, first: 'no. 1', last: 'no. 1' },
      { count: 3, first: 'no. 2', last: 'no. 3' },
    ]);
    expect(JSON.stringify(heat)).not.toContain('secret');
  });

  test('looks at no more keys than it may', () => {
    const many = Array.from({ length: 50 }, (_, i) => BigInt(i));
    const { sets: looked, keys } = keyHeat('k', 'integer', sets('integer', many, many, [1n]), {
      maxKeys: 60,
    });
    expect([looked, keys]).toEqual([2, 51]);
    expect(keyHeat('k', 'integer', sets('integer', many), { maxKeys: 10 })).toMatchObject({
      sets: 1,
      keys: 10,
    });
  });
});
