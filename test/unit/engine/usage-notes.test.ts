import { MemoryBackend } from '../../../src/cache/backends/memory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { UsageNotes } from '../../../src/engine/usage-notes';
import { hashOf, sampleEntry } from '../../support/cache-entries';

const [a, b] = ['a', 'b'].map((text) => ({ key: 'region', hash: hashOf(text) }));

test('what a statement was restricted by is noted, and what that saved is shared among it', async () => {
  if (a === undefined || b === undefined) throw new Error('there are two entries');
  await using backend = new MemoryBackend({ warn: () => undefined });
  await backend.registerPartitionKey('region', 'integer');
  for (const text of ['a', 'b'])
    await backend.put(sampleEntry(createKeySet('integer', [1n, 2n]), { text, at: 5 }));
  const warn = jest.fn();
  const notes = new UsageNotes(backend, { debug: warn, info: warn, warn });
  notes.used([a, b]);
  notes.saved([a, b], 30);
  notes.used([a]);
  notes.saved([a], -5);
  // Of no entry any more.
  notes.used([{ key: 'region', hash: hashOf('c') }]);
  await notes.flush();
  await notes.flush();
  const entries = await Promise.all([a, b].map(({ hash }) => backend.describe('region', hash)));
  expect(entries.map((entry) => entry?.benefit)).toEqual([
    { uses: 2, savedMs: 10 },
    { uses: 1, savedMs: 15 },
  ]);
  expect(entries.every((entry) => (entry?.lastUsedAt ?? 0) > 5)).toBe(true);
  expect(warn).not.toHaveBeenCalled();
});
