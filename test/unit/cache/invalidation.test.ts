import { MemoryBackend } from '../../../src/cache/backends/memory';
import { invalidate, type Invalidation } from '../../../src/cache/invalidation';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { makeFragment } from '../../support/make-fragment';

const plain = makeFragment('plain');
const reading = makeFragment('reading', {
  conjuncts: [{ template: '{0}.id in (…)', slots: [0], reads: ['public.visit'] }],
});
const other = makeFragment('other', {
  partitionKey: 'tenant',
  tables: [{ schema: 'public', name: 'order.line', only: false, keyColumn: 'tenant_id' }],
});
const all = [plain, reading, other];

let backend: MemoryBackend;
beforeEach(async () => {
  backend = new MemoryBackend({ warn: () => undefined });
  for (const key of ['region', 'tenant']) await backend.registerPartitionKey(key, 'integer');
  for (const fragment of all) {
    const times = { createdAt: 1, lastUsedAt: 1, computeMs: 1 };
    const outcome = { status: 'ok', keyCount: 1, hasNullKey: false, snapshot: undefined } as const;
    const keys = createKeySet('integer', [1n]);
    await backend.put({ fragment, ...outcome, ...times, error: undefined, keys });
  }
});

const left = async (): Promise<readonly Fragment[]> => {
  const hashes = new Set<string>();
  for await (const { fragment } of backend.list()) hashes.add(fragment.hash);
  return all.filter(({ hash }) => hashes.has(hash));
};

test.each<[string, Invalidation, readonly Fragment[]]>([
  ['everything', { kind: 'all' }, []],
  ['a partition key', { kind: 'partitionKey', partitionKey: 'tenant' }, [plain, reading]],
  ['a partition key there is not', { kind: 'partitionKey', partitionKey: 'city' }, all],
  ['a fragment', { kind: 'fragment', hash: plain.hash }, [reading, other]],
  ['what is about a table', { kind: 'table', table: 'public.place' }, [other]],
  ['what a table is read for', { kind: 'table', table: 'public.visit' }, [plain, other]],
  ['a table whose name has a dot', { kind: 'table', table: 'public.order.line' }, [plain, reading]],
  ['a table of another schema', { kind: 'table', table: 'other.place' }, all],
])('removes %s, and tells how much that was', async (_, invalidation, rest) => {
  expect(await invalidate(backend, invalidation)).toBe(all.length - rest.length);
  expect(await left()).toEqual(rest);
  expect((await backend.partitionKeys()).size).toBe(2);
});

test('stops when it is told to', async () => {
  await expect(invalidate(backend, { kind: 'all' }, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
    'enough',
  );
  expect(await left()).toEqual(all);
});
