import { MemoryBackend } from '../../../src/cache/backends/memory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { KeySetStore } from '../../../src/engine/key-set-store';
import { sampleEntry } from '../../support/cache-entries';

test('key sets at hand take no more memory than they may; the others are read again', async () => {
  await using backend = new MemoryBackend({
    warn: (message) => {
      throw new Error(message);
    },
  });
  await backend.registerPartitionKey('region', 'integer');
  // Far apart, so that they cannot be packed.
  const keys = createKeySet(
    'integer',
    Array.from({ length: 1_000 }, (_, i) => BigInt(i) ** 3n),
  );
  const entries = Array.from({ length: 50 }, (_, i) => sampleEntry(keys, { text: `f${i}` }));
  const maxBytes = 10 * (keys.bytes + 200);
  const store = new KeySetStore(backend, maxBytes);
  for (const entry of entries) {
    await backend.put(entry);
    expect((await store.load('region', entry.fragment.hash))?.keys.size).toBe(1_000);
    expect(store.bytes).toBeLessThanOrEqual(maxBytes);
  }
  const [oldest, newest] = [entries[0], entries.at(-1)].map((entry) => entry?.fragment.hash);
  if (oldest === undefined || newest === undefined) throw new Error('no entries');
  expect(store.bytes).toBeGreaterThan(maxBytes / 2);
  expect(store.peek('region', newest)).toBeDefined();
  expect(store.peek('region', oldest)).toBeUndefined();
  expect((await store.load('region', oldest))?.keys.size).toBe(1_000);
});
