import fc from 'fast-check';
import {
  chooseEvictions,
  type EvictionCandidate,
  lastUse,
} from '../../../../src/cache/eviction/choose-evictions';
import { type EvictionLimits, evictionStrategies } from '../../../../src/cache/eviction/eviction-policy';
import { hashOf } from '../../../support/cache-entries';

const day = 86_400_000;
const now = 1_000 * day;
const none: EvictionLimits = {
  strategy: 'oldest',
  maxAgeMs: undefined,
  maxEntries: undefined,
  maxBytes: undefined,
  maxEntriesPerKey: undefined,
  maxBytesPerKey: undefined,
};

/** `a 3d 10B 5ms`: used 3 days ago, 10 bytes, computed in 5 ms; `key.a` belongs to another partition key. */
function entry(text: string): EvictionCandidate {
  const [, key = 'region', name = '', days, bytes, ms] =
    /^(?:(\w+)\.)?(\w+) ([\d.]+)d (\d+)B (\d+)ms$/.exec(text) ?? [];
  const at = now - Number(days) * day;
  return {
    partitionKey: key,
    hash: hashOf(name),
    ...{ createdAt: at - day, lastUsedAt: at, computeMs: Number(ms), savedMs: 0, bytes: Number(bytes) },
  };
}

const names = new Map('abcdef'.split('').map((name) => [hashOf(name), name]));
const chosen = (texts: readonly string[], limits: Partial<EvictionLimits>): string =>
  chooseEvictions(texts.map(entry), { ...none, ...limits }, now)
    .map(({ entry: { partitionKey, hash }, reason }) => `${partitionKey}.${names.get(hash)} ${reason}`)
    .join(', ');

const some = ['a 1d 100B 50ms', 'b 9d 10B 900ms', 'c 5d 400B 100ms', 'd 3d 0B 1ms'];

test.each([
  ['nothing without a limit', {}, ''],
  [
    'nothing while all limits are met',
    { maxEntries: 4, maxBytes: 510, maxEntriesPerKey: 4, maxAgeMs: 9 * day },
    '',
  ],
  [
    'what is too old, whatever the strategy',
    { strategy: 'largest', maxAgeMs: 4 * day },
    'region.c age, region.b age',
  ],
  ['the oldest beyond a count', { maxEntries: 2 }, 'region.b total, region.c total'],
  ['as few of the oldest as bytes take', { maxBytes: 499 }, 'region.b total, region.c total'],
  ['the largest', { strategy: 'largest', maxBytes: 499 }, 'region.c total'],
  [
    'the largest beyond a count',
    { strategy: 'largest', maxEntriesPerKey: 2 },
    'region.c partition_key, region.a partition_key',
  ],
  [
    'what saves least by byte and day',
    { strategy: 'cost_benefit', maxEntries: 2 },
    'region.d total, region.c total',
  ],
  [
    'all where nothing may be kept',
    { maxEntries: 0 },
    'region.b total, region.c total, region.d total, region.a total',
  ],
] as const)('evicts %s', (_, limits, expected) => {
  expect(chosen(some, limits)).toBe(expected);
});

test('a partition key loses what it has too much of, and all together lose the rest', () => {
  const entries = ['x.a 1d 5B 1ms', 'x.b 2d 5B 1ms', 'x.c 3d 5B 1ms', 'y.d 9d 5B 1ms', 'y.e 8d 5B 1ms'];
  expect(chosen(entries, { maxEntriesPerKey: 2 })).toBe('x.c partition_key');
  expect(chosen(entries, { maxEntriesPerKey: 2, maxEntries: 3 })).toBe('x.c partition_key, y.d total');
});

test('what has been good for statements stays before what was only dear', () => {
  const [dear, good] = [entry('a 1d 10B 500ms'), { ...entry('b 1d 10B 5ms'), savedMs: 9_000 }];
  const limits = { ...none, strategy: 'cost_benefit', maxEntries: 1 } as const;
  expect(chooseEvictions([dear, good], limits, now).map(({ entry: { hash } }) => names.get(hash))).toEqual([
    'a',
  ]);
});

test('an entry that was computed after its last use is as young as that', () => {
  expect(lastUse({ createdAt: 5, lastUsedAt: 3 })).toBe(5);
});

const candidates = fc
  .array(
    fc.record({
      partitionKey: fc.constantFrom('x', 'y'),
      createdAt: fc.integer({ min: now - 20 * day, max: now }),
      lastUsedAt: fc.integer({ min: now - 20 * day, max: now + day }),
      computeMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
      savedMs: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      bytes: fc.constantFrom(0, 1, 10, 1_000),
    }),
    { maxLength: 20 },
  )
  .map((entries): EvictionCandidate[] => entries.map((each, i) => ({ ...each, hash: hashOf(String(i)) })));
const limit = fc.option(fc.nat(15), { nil: undefined });
const limitsArbitrary: fc.Arbitrary<EvictionLimits> = fc.record({
  strategy: fc.constantFrom(...evictionStrategies),
  maxAgeMs: fc.option(fc.nat(20 * day), { nil: undefined }),
  maxEntries: limit,
  maxBytes: fc.option(fc.nat(5_000), { nil: undefined }),
  maxEntriesPerKey: limit,
  maxBytesPerKey: fc.option(fc.nat(3_000), { nil: undefined }),
});

describe('for any entries and limits', () => {
  const total = (entries: readonly EvictionCandidate[]) => ({
    count: entries.length,
    bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  const meets = (
    entries: readonly EvictionCandidate[],
    maxEntries = Infinity,
    maxBytes = Infinity,
  ): boolean => total(entries).count <= maxEntries && total(entries).bytes <= maxBytes;
  const ofKey = (entries: readonly EvictionCandidate[], key: string) =>
    entries.filter(({ partitionKey }) => partitionKey === key);

  test('what is left meets them, and would not with the last of what went for each', () => {
    fc.assert(
      fc.property(candidates, limitsArbitrary, (entries, limits) => {
        const { maxEntries, maxBytes, maxEntriesPerKey, maxBytesPerKey } = limits;
        const evictions = chooseEvictions(entries, limits, now);
        const gone = new Set(evictions.map((each) => each.entry));
        expect(gone.size).toBe(evictions.length);
        const kept = entries.filter((each) => !gone.has(each));
        expect(meets(kept, maxEntries, maxBytes)).toBe(true);
        const last = evictions.findLast(({ reason }) => reason === 'total');
        if (last !== undefined) expect(meets([...kept, last.entry], maxEntries, maxBytes)).toBe(false);
        const inTotal = evictions.filter(({ reason }) => reason === 'total').map((each) => each.entry);
        for (const key of ['x', 'y']) {
          const own = [...ofKey(kept, key), ...ofKey(inTotal, key)];
          expect(meets(own, maxEntriesPerKey, maxBytesPerKey)).toBe(true);
          const lastOfKey = evictions.findLast(
            ({ reason, entry: { partitionKey } }) => reason === 'partition_key' && partitionKey === key,
          );
          if (lastOfKey !== undefined)
            expect(meets([...own, lastOfKey.entry], maxEntriesPerKey, maxBytesPerKey)).toBe(false);
        }
      }),
    );
  });

  test('none goes that is younger in order than one of those that stay', () => {
    fc.assert(
      fc.property(candidates, limitsArbitrary, (entries, limits) => {
        const order = chooseEvictions(
          entries,
          { ...none, strategy: limits.strategy, maxEntries: 0 },
          now,
        ).map((each) => each.entry);
        const place = new Map(order.map((each, i) => [each, i]));
        const evictions = chooseEvictions(entries, limits, now);
        const gone = new Set(evictions.map((each) => each.entry));
        const kept = entries.filter((each) => !gone.has(each));
        for (const { entry: each, reason } of evictions) {
          if (reason === 'age') expect(lastUse(each)).toBeLessThan(now - (limits.maxAgeMs ?? 0));
          const rivals = reason === 'total' ? kept : reason === 'age' ? [] : ofKey(kept, each.partitionKey);
          for (const rival of rivals) expect(place.get(each)).toBeLessThan(place.get(rival) ?? -1);
        }
        if (limits.maxAgeMs !== undefined)
          for (const each of kept) expect(lastUse(each)).toBeGreaterThanOrEqual(now - limits.maxAgeMs);
      }),
    );
  });

  test('the order they are listed in makes no difference', () => {
    fc.assert(
      fc.property(candidates, limitsArbitrary, (entries, limits) => {
        expect(chooseEvictions([...entries].reverse(), limits, now)).toEqual(
          chooseEvictions(entries, limits, now),
        );
      }),
    );
  });
});
