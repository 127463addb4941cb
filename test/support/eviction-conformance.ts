import type { CacheBackend, CacheChange } from '../../src/cache/cache-backend';
import { evictEntries } from '../../src/cache/eviction/evict-entries';
import type { EvictionLimits } from '../../src/cache/eviction/eviction-policy';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import type { PartitionKeyType } from '../../src/query/partition-key';
import { failedEntry, hashOf, sampleEntry, used } from './cache-entries';
import { until } from './until';

const noLimits: EvictionLimits = {
  strategy: 'oldest',
  maxAgeMs: undefined,
  maxEntries: undefined,
  maxBytes: undefined,
  maxEntriesPerKey: undefined,
  maxBytesPerKey: undefined,
};

/** Part of the suite every backend passes. */
export function describeEviction(backendOf: () => CacheBackend, datatype: PartitionKeyType): void {
  describe('eviction', () => {
    const left = async (partitionKey: string): Promise<string[]> => {
      const names: string[] = [];
      for await (const { fragment } of backendOf().list(partitionKey))
        names.push('abcd'.split('').find((name) => hashOf(name) === fragment.hash) ?? '?');
      return names.sort();
    };
    beforeEach(async () => {
      const backend = backendOf();
      for (const partitionKey of ['region', 'other']) {
        await backend.registerPartitionKey(partitionKey, datatype);
        for (const [at, text] of ['a', 'b', 'c'].entries())
          await backend.put(
            sampleEntry(createKeySet(datatype, []), { partitionKey, text, at: 1_000 * (at + 1) }),
          );
      }
      await backend.touch('region', used([hashOf('a')], 9_000));
    });

    test('removes the oldest beyond the limits of each key and of all, and tells of it', async () => {
      const backend = backendOf();
      const changes: CacheChange[] = [];
      backend.subscribe((change) => changes.push(change));
      const limits = { ...noLimits, maxEntriesPerKey: 2, maxEntries: 3 };
      const dry = await evictEntries(backend, limits, { isDry: true });
      expect([await left('region'), await left('other')]).toEqual([
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ]);
      const report = await evictEntries(backend, limits);
      expect(report).toEqual(dry);
      expect(report).toMatchObject({
        entries: 6,
        evicted: 3,
        byReason: { age: 0, partition_key: 2, total: 1 },
      });
      expect([await left('region'), await left('other')]).toEqual([['a', 'c'], ['c']]);
      await until('the changes to be told', () => changes.length >= 3);
      expect(changes.map((change) => (change.kind === 'deleted' ? change.partitionKey : '?')).sort()).toEqual(
        ['other', 'other', 'region'],
      );
    });

    test('removes what is too old, of one partition key if told so, and what failed as well', async () => {
      const backend = backendOf();
      await backend.put(failedEntry('timeout', datatype, { text: 'd' }));
      const limits = { ...noLimits, maxAgeMs: 1_000 };
      await evictEntries(backend, limits, { partitionKey: 'region', now: 3_500 });
      expect([await left('region'), await left('other')]).toEqual([
        ['a', 'c'],
        ['a', 'b', 'c'],
      ]);
    });

    test('leaves what was used or computed anew since it was looked at', async () => {
      const backend = backendOf();
      const report = await evictEntries(
        {
          ...backend,
          name: backend.name,
          list: (partitionKey?: string) => backend.list(partitionKey),
          describe: async (partitionKey: string, hash: ReturnType<typeof hashOf>) => {
            if (partitionKey === 'region' && hash === hashOf('b'))
              await backend.touch(partitionKey, used([hash], 10_000));
            return backend.describe(partitionKey, hash);
          },
          delete: (partitionKey: string, hash: ReturnType<typeof hashOf>) =>
            backend.delete(partitionKey, hash),
        },
        { ...noLimits, maxEntries: 0 },
      );
      expect(report.evicted).toBe(5);
      expect([await left('region'), await left('other')]).toEqual([['b'], []]);
    });
  });
}
