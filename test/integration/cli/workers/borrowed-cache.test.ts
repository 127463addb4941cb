import type { CacheBackend, CacheChange } from '../../../../src/cache/cache-backend';
import { GuardedBackend } from '../../../../src/cache/guarded-backend';
import { createKeySet } from '../../../../src/cache/key-sets/create-key-set';
import { BorrowedCache } from '../../../../src/cli/workers/borrowed-cache';
import { Channel } from '../../../../src/cli/workers/channel';
import { type BackendUnderTest, describeCacheBackend } from '../../../support/cache-backend-conformance';
import { hashOf, sampleEntry } from '../../../support/cache-entries';
import { type TemporaryDirectory, temporaryDirectory } from '../../../support/temporary-directory';
import { until } from '../../../support/until';
import { lendStore, releaseStore, type WantedStore } from '../../../support/workers/cache-names';
import { Forked } from '../../../support/workers/forked';

const bits = 100_000;
const warn = (): void => undefined;

let forked: Forked;
let channel: Channel;
beforeAll(() => {
  forked = new Forked('cache-process');
  channel = new Channel(forked.child);
});
afterAll(() => forked[Symbol.asyncDispose]());

type Subject = Pick<BackendUnderTest, 'keyTypes' | 'integerRange'> & {
  readonly name: WantedStore['backend'];
};
const subjects: readonly Subject[] = [
  { name: 'memory', keyTypes: ['integer', 'float', 'text', 'timestamp'] },
  { name: 'rocksdb_bit', keyTypes: ['integer'], integerRange: { min: 0n, max: BigInt(bits) - 1n } },
];

describe('borrowed from another process:', () => {
  for (const subject of subjects) {
    let directory: TemporaryDirectory | undefined;
    const open = async (path: string): Promise<CacheBackend> => {
      await channel.call(lendStore, { backend: subject.name, path, bits });
      return BorrowedCache.open(channel, { warn });
    };

    describeCacheBackend({
      ...subject,
      open: async () => {
        await channel.call(releaseStore);
        await directory?.[Symbol.asyncDispose]();
        directory = await temporaryDirectory(subject.name);
        return open(`${directory.path}/cache`);
      },
      ...(subject.name === 'memory'
        ? {}
        : { reopen: () => open(`${directory?.path ?? 'nothing was opened yet'}/cache`) }),
    });

    afterAll(async () => {
      await channel.call(releaseStore);
      await directory?.[Symbol.asyncDispose]();
    });
  }
});

describe('a store that is borrowed', () => {
  const keys = createKeySet('integer', [1n, 2n]);

  async function filled(through: Channel, entries: number): Promise<BorrowedCache> {
    await through.call(lendStore, { backend: 'memory', path: '', bits });
    const cache = await BorrowedCache.open(through, { warn });
    await cache.registerPartitionKey('region', 'integer');
    const texts = Array.from({ length: entries }, (_, i) => String(i));
    await Promise.all(texts.map((text) => cache.put(sampleEntry(keys, { text }))));
    return cache;
  }

  test('is unavailable when its process dies, whatever was under way', async () => {
    const dying = new Forked('cache-process');
    using toIt = new Channel(dying.child);
    const cache = await filled(toIt, 1_000);
    const listing = cache.list('region');
    await listing.next();
    const getting = Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => cache.get('region', hashOf(String(i)))),
    );
    await dying.kill();
    for (const outcome of await getting)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ name: 'CacheUnavailableError' });
    await expect(cache.partitionKeys()).rejects.toMatchObject({ name: 'CacheUnavailableError' });
    const rest = async (): Promise<void> => {
      for await (const _entry of listing);
    };
    await expect(rest()).rejects.toMatchObject({ name: 'CacheUnavailableError' });
    await expect(BorrowedCache.open(toIt, { warn })).rejects.toMatchObject({ name: 'CacheUnavailableError' });
  });

  test('is away while the overseer has released it, and is found again with what is in it', async () => {
    const borrowed = await filled(channel, 3);
    await borrowed[Symbol.asyncDispose]();
    const told: string[] = [];
    await using cache = await GuardedBackend.open({
      name: 'memory',
      capabilities: borrowed.capabilities,
      open: () => BorrowedCache.open(channel, { warn }),
      overdueMs: 60_000,
      pauses: { firstMs: 5, longestMs: 20 },
      events: {
        ended: warn,
        away: () => told.push('away'),
        back: () => told.push('back'),
        trouble: (message) => told.push(message),
      },
    });
    await cache.registerPartitionKey('region', 'integer');
    const changes: CacheChange[] = [];
    cache.subscribe((change) => changes.push(change));
    await channel.call(releaseStore);
    await expect(cache.get('region', hashOf('1'))).rejects.toMatchObject({ name: 'CacheUnavailableError' });
    await until('it to be known as away', () => told.includes('away'));
    await channel.call(lendStore, { backend: 'memory', path: '', bits });
    await until('it to be found', () => told.includes('back'));
    await cache.put(sampleEntry(keys, { text: '7' }));
    expect(await cache.count('region')).toBe(1);
    expect(changes.at(-1)?.kind).toBe('put');
  });

  test('is listed no further than somebody listens', async () => {
    const cache = await filled(channel, 1_000);
    for await (const entry of cache.list('region')) {
      expect(entry.fragment.partitionKey).toBe('region');
      break;
    }
    let listed = 0;
    for await (const _entry of cache.list()) listed++;
    expect(listed).toBe(1_000);
  });

  test('carries a set of a million keys', async () => {
    const cache = await filled(channel, 1);
    const many = createKeySet(
      'integer',
      Array.from({ length: 1_000_000 }, (_, i) => BigInt(i) * 5_000_000_000n),
    );
    await cache.put(sampleEntry(many));
    const got = (await cache.get('region', hashOf('a')))?.keys;
    expect(got?.size).toBe(1_000_000);
    expect(got?.has(4_999_995_000_000_000n)).toBe(true);
    expect(got?.has(1n)).toBe(false);
  });
});
