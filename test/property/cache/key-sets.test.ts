import fc from 'fast-check';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { intersectKeySets } from '../../../src/cache/key-sets/intersect-key-sets';
import { partitionKeyTypes, type PartitionValue } from '../../../src/query/partition-key';
import { maxInt64, minInt64, partitionValues } from '../../support/cache-entries';

/** What a JavaScript Set holds equal is what a key set does: -0 and 0, NaN and NaN. */
const asSet = (values: Iterable<PartitionValue>): Set<PartitionValue> => new Set(values);

describe.each(partitionKeyTypes)('key sets of type %s', (datatype) => {
  const values = fc.array(partitionValues[datatype], { maxLength: 200 });

  test('hold what a Set holds', () => {
    fc.assert(
      fc.property(values, partitionValues[datatype], (some, other) => {
        const [set, expected] = [createKeySet(datatype, some), asSet(some)];
        expect(set.size).toBe(expected.size);
        expect(asSet(set.values())).toEqual(expected);
        expect(set.has(other)).toBe(expected.has(other));
      }),
    );
  });

  test('are the same, whatever the order and number of the values', () => {
    fc.assert(
      fc.property(values, (some) => {
        const again = createKeySet(datatype, [...some, ...some].reverse());
        expect([...again.values()]).toEqual([...createKeySet(datatype, some).values()]);
      }),
    );
  });

  test('intersect as Sets do, also where one is much larger', () => {
    const large = fc.array(partitionValues[datatype], { minLength: 300, maxLength: 600 });
    fc.assert(
      fc.property(
        fc.oneof(values, large),
        values,
        fc.array(partitionValues[datatype], { maxLength: 8 }),
        (x, y, z) => {
          const [ofX, ofY] = [asSet(x), asSet([...y, ...x.slice(0, 5)])];
          const ofZ = asSet([...z, ...x.slice(0, 3)]);
          const sets = [ofX, ofY, ofZ].map((set) => createKeySet(datatype, set));
          const expected = createKeySet(
            datatype,
            [...ofX].filter((value) => ofY.has(value) && ofZ.has(value)),
          );
          expect([...(intersectKeySets(sets)?.values() ?? [])]).toEqual([...expected.values()]);
        },
      ),
    );
  });
});

test('text is sorted as its UTF-8 bytes are', () => {
  fc.assert(
    fc.property(fc.array(partitionValues.text), (values) => {
      const sorted = [...createKeySet('text', values).values()].map((text) => Buffer.from(String(text)));
      expect(sorted).toEqual([...sorted].sort(Buffer.compare));
    }),
  );
});

test('integers are compared in halves as they are whole', () => {
  // Close to the places where a half turns over.
  const near = fc
    .tuple(
      fc.constantFrom(minInt64, -(2n ** 32n), -(2n ** 31n), 0n, 2n ** 31n, 2n ** 32n, maxInt64),
      fc.bigInt(-3n, 3n),
    )
    .map(([base, offset]) => base + offset)
    .filter((value) => value >= minInt64 && value <= maxInt64);
  fc.assert(
    fc.property(fc.array(near), fc.array(near), (x, y) => {
      const common = intersectKeySets([createKeySet('integer', x), createKeySet('integer', y)]);
      const expected = [...new Set(x)].filter((value) => y.includes(value)).sort((a, b) => (a < b ? -1 : 1));
      expect([...(common?.values() ?? [])]).toEqual(expected);
    }),
  );
});
