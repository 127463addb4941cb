import type { EntryDescription } from '../../../../src/cache/cache-backend';
import { Directory } from '../../../../src/cache/directory';
import type { FragmentHash } from '../../../../src/query/fragment/fragment';
import { makeFragment } from '../../../support/make-fragment';

const origin = { epoch: 'e', server: 's', sources: [1, 2], reads: [3] };
const described: EntryDescription = {
  fragment: makeFragment('a'),
  status: 'ok',
  keyCount: 3,
  hasNullKey: true,
  snapshot: '10:12:',
  createdAt: 1_790_000_000_123,
  lastUsedAt: 1_790_000_000_456.5,
  computeMs: 0.1,
  error: undefined,
};

function remembered(entry: EntryDescription): Omit<EntryDescription, 'fragment'> & { hash: FragmentHash } {
  const directory = new Directory();
  // Neighbours that must not be mistaken for it, and a row that is used again.
  directory.put({
    ...described,
    fragment: makeFragment('x'),
    error: 'gone',
    status: 'failed',
    failures: 9,
    origin,
  });
  directory.apply({ kind: 'deleted', partitionKey: 'region', hash: makeFragment('x').hash });
  directory.put(entry);
  directory.put({ ...described, fragment: makeFragment('b'), keyCount: 99 });
  const known = directory.get('region', entry.fragment.hash);
  if (known === undefined) throw new Error('not known');
  return known;
}

test.each<[string, Partial<EntryDescription>]>([
  ['as it is', {}],
  ['without a NULL key', { hasNullKey: false }],
  ['no key', { keyCount: 0 }],
  ['very many keys', { keyCount: 4_000_000_000 }],
  ['a failure', { status: 'failed', keyCount: 0, error: 'division by zero', failures: 3 }],
  ['a timeout, the first', { status: 'timeout', keyCount: 0, error: 'too slow', failures: 0 }],
  ['too many keys', { status: 'too_large', keyCount: 0 }],
  ['an origin', { origin }],
  ['another origin', { origin: { ...origin, sources: [1, 2, 3], reads: [] } }],
  ['no snapshot', { snapshot: undefined }],
  ['an idle server', { snapshot: '7:7:' }],
  ['transactions in progress', { snapshot: '10:20:10,14' }],
  ['large numbers', { snapshot: '9007199254740990:9007199254740991:' }],
  ['numbers too large for a float', { snapshot: '9007199254740993:9007199254740995:' }],
  ['a span too large', { snapshot: '1:9007199254740990:' }],
  ['what is no snapshot', { snapshot: '012:013:' }],
])('an entry is remembered: %s', (_title, changes) => {
  const entry = { ...described, ...changes };
  const { fragment, ...rest } = entry;
  expect(remembered(entry)).toEqual({ partitionKey: 'region', hash: fragment.hash, ...rest });
});

test('what is no hash is not known, and refused', () => {
  const directory = new Directory();
  for (const hash of ['', 'A'.repeat(64), 'g'.repeat(64), '0'.repeat(63)] as FragmentHash[]) {
    expect(directory.get('region', hash)).toBeUndefined();
    expect(() => directory.put({ ...described, fragment: makeFragment('a', { hash }) })).toThrow(TypeError);
  }
  expect(directory.size).toBe(0);
});

test('one hash of two partition keys is two entries', () => {
  const directory = new Directory();
  const fragment = makeFragment('a');
  directory.put(described);
  directory.put({ ...described, fragment: { ...fragment, partitionKey: 'town' }, keyCount: 4 });
  directory.put({ ...described, keyCount: 5 });
  expect([...directory.counts()]).toEqual([
    { partitionKey: 'region', status: 'ok', count: 1 },
    { partitionKey: 'town', status: 'ok', count: 1 },
  ]);
  directory.apply({ kind: 'deleted', partitionKey: 'region', hash: fragment.hash });
  expect([...directory.entries()].map(({ keyCount }) => keyCount)).toEqual([4]);
  directory.apply({ kind: 'dropped', partitionKey: 'town' });
  expect([directory.size, [...directory.counts()]]).toEqual([0, []]);
});
