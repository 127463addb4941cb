import fc from 'fast-check';
import type {
  CacheBackend,
  CacheChange,
  EntryDescription,
  IntegerRange,
} from '../../src/cache/cache-backend';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import { type PartitionKeyType, partitionKeyTypes, type PartitionValue } from '../../src/query/partition-key';
import {
  awkwardValuesFor,
  descriptionOf,
  failedEntry,
  hashOf,
  keySets,
  maxInt64,
  minInt64,
  plainEntry,
  plainKeys,
  sampleEntry,
  withoutBytes,
  used,
} from './cache-entries';
import { describeEviction } from './eviction-conformance';
import { until } from './until';

export interface BackendUnderTest {
  /** As in `CacheBackend.name`. */
  readonly name: string;
  readonly keyTypes: readonly PartitionKeyType[];
  /** As in `CacheCapabilities`. */
  readonly integerRange?: IntegerRange;
  /** A backend with nothing in it. */
  open(): Promise<CacheBackend>;
  /**
   * For stores that outlive the process: a backend that finds what the last one opened, now closed, has left. Absent if
   * what is put is gone with the backend.
   */
  reopen?(): Promise<CacheBackend>;
}

/** Every backend passes this suite, at each datatype it declares; a difference between two is a bug in one of them. */
export function describeCacheBackend(subject: BackendUnderTest): void {
  const { name, keyTypes, integerRange, open, reopen } = subject;
  describe(`CacheBackend ${name}`, () => {
    let backend: CacheBackend;
    beforeEach(async () => {
      backend = await open();
    });
    afterEach(() => backend[Symbol.asyncDispose]());

    const a = hashOf('a');
    const b = hashOf('b');
    const c = hashOf('c');
    const firstType = keyTypes[0] ?? 'integer';
    const awkwardOf = (datatype: PartitionKeyType): readonly PartitionValue[] =>
      awkwardValuesFor(datatype, subject);
    const emptySet = createKeySet(firstType, []);

    async function listed(partitionKey?: string): Promise<EntryDescription[]> {
      const descriptions: EntryDescription[] = [];
      for await (const description of backend.list(partitionKey)) descriptions.push(description);
      return descriptions.sort((x, y) => (x.fragment.hash < y.fragment.hash ? -1 : 1));
    }

    async function recorded(): Promise<CacheChange[]> {
      const changes: CacheChange[] = [];
      backend.subscribe((change) => changes.push(change));
      return changes;
    }

    test('has the name and datatypes it is said to have', () => {
      expect(backend.name).toBe(name);
      expect([...backend.capabilities.keyTypes].sort()).toEqual([...keyTypes].sort());
      expect(backend.capabilities.integerRange).toEqual(integerRange);
    });

    if (integerRange !== undefined) {
      const { min, max } = integerRange;
      test('refuses to register a partition key whose data have keys below its range, with the reason', async () => {
        const registered = backend.registerPartitionKey('region', 'integer', { lowest: min - 1n });
        await expect(registered).rejects.toMatchObject({
          name: 'KeyOutOfRangeError',
          partitionKey: 'region',
        });
        await expect(registered).rejects.toThrow(/not -1; another backend holds negative keys/);
        expect(await backend.partitionKeys()).toEqual(new Map());
        for (const lowest of [undefined, min, max + 1n])
          await backend.registerPartitionKey('region', 'integer', { lowest });
        expect(await backend.partitionKeys()).toEqual(new Map([['region', 'integer']]));
        await expect(
          backend.registerPartitionKey('region', 'integer', { lowest: minInt64 }),
        ).rejects.toMatchObject({ name: 'KeyOutOfRangeError' });
      });

      test.each([min - 1n, -1n, max + 1n, maxInt64, minInt64])(
        'refuses a set with key %s, and keeps the one before',
        async (key) => {
          await backend.registerPartitionKey('region', 'integer');
          await backend.put(sampleEntry(createKeySet('integer', [min, max])));
          await expect(
            backend.put(sampleEntry(createKeySet('integer', [min, key, max]))),
          ).rejects.toMatchObject({ name: 'KeyOutOfRangeError', partitionKey: 'region', key });
          expect([...((await backend.get('region', a))?.keys?.values() ?? [])]).toEqual([min, max]);
        },
      );
    }

    describe.each([...keyTypes])('with keys of type %s', (datatype) => {
      const awkward = awkwardOf(datatype);
      beforeEach(() => backend.registerPartitionKey('region', datatype));

      test('gives back every value it was given, in order, and only those', async () => {
        await backend.put(sampleEntry(createKeySet(datatype, [...awkward].reverse())));
        const entry = await backend.get('region', a);
        expect([...(entry?.keys?.values() ?? [])]).toEqual(awkward);
        expect(awkward.every((value) => entry?.keys?.has(value))).toBe(true);
        expect(entry?.keys?.size).toBe(awkward.length);
      });

      test.each([false, true])('tells an empty set from a missing one, NULL key %s', async (hasNullKey) => {
        await backend.put(sampleEntry(createKeySet(datatype, [], { hasNullKey })));
        expect(plainKeys((await backend.get('region', a))?.keys)).toEqual({
          datatype,
          hasNullKey,
          values: [],
        });
        expect(await backend.get('region', b)).toBeUndefined();
      });

      test('gives back any set', async () => {
        await fc.assert(
          fc.asyncProperty(keySets(datatype, subject), async (keys) => {
            const entry = sampleEntry(keys);
            await backend.put(entry);
            expect(plainEntry(await backend.get('region', a))).toEqual(plainEntry(entry));
          }),
          { numRuns: 30 },
        );
      });

      test('intersects any sets as sets are intersected', async () => {
        await fc.assert(
          fc.asyncProperty(
            keySets(datatype, subject),
            keySets(datatype, subject),
            keySets(datatype, subject),
            async (x, y, z) => {
              for (const [text, keys] of Object.entries({ a: x, b: y, c: z }))
                await backend.put(sampleEntry(keys, { text }));
              const { hits, keys } = await backend.intersect('region', [c, a, b]);
              expect(hits).toEqual([c, a, b]);
              expect(plainKeys(keys)).toEqual({
                datatype,
                hasNullKey: x.hasNullKey && y.hasNullKey && z.hasNullKey,
                values: [...x.values()].filter((value) => y.has(value) && z.has(value)),
              });
            },
          ),
          { numRuns: 20 },
        );
      });

      test('keeps a large set', async () => {
        const values = Array.from({ length: 20_000 }, (_, i) =>
          datatype === 'text' ? `key ${i}` : datatype === 'float' ? i / 8 : BigInt(i) * stepOf(integerRange),
        );
        const keys = createKeySet(datatype, values);
        await backend.put(sampleEntry(keys));
        expect(plainKeys((await backend.get('region', a))?.keys)).toEqual(plainKeys(keys));
      });

      test('refuses an entry of another datatype', async () => {
        const other = partitionKeyTypes.find((candidate) => candidate !== datatype) ?? datatype;
        await expect(backend.put(sampleEntry(createKeySet(other, [])))).rejects.toMatchObject({
          name: 'DatatypeMismatchError',
        });
        expect(await backend.count('region')).toBe(0);
      });
    });

    describe('partition keys', () => {
      test('are registered with their datatype, again without effect', async () => {
        for (const datatype of keyTypes) await backend.registerPartitionKey(`the ${datatype}`, datatype);
        for (const datatype of keyTypes) await backend.registerPartitionKey(`the ${datatype}`, datatype);
        expect(await backend.partitionKeys()).toEqual(new Map(keyTypes.map((type) => [`the ${type}`, type])));
      });

      // Not test.each, which takes no empty table: a backend may hold all of them.
      for (const datatype of partitionKeyTypes.filter((type) => !keyTypes.includes(type))) {
        test(`refuses: datatype ${datatype}, which this backend cannot hold`, async () => {
          await expect(backend.registerPartitionKey('region', datatype)).rejects.toMatchObject({
            name: 'DatatypeMismatchError',
          });
          expect(await backend.partitionKeys()).toEqual(new Map());
        });
      }

      test.each(partitionKeyTypes.filter((type) => type !== firstType))(
        'refuses: datatype %s for a key that has another',
        async (datatype) => {
          await backend.registerPartitionKey('region', firstType);
          await expect(backend.registerPartitionKey('region', datatype)).rejects.toMatchObject({
            name: 'DatatypeMismatchError',
            partitionKey: 'region',
          });
          expect(await backend.partitionKeys()).toEqual(new Map([['region', firstType]]));
        },
      );

      test.each([[''], ['a\0b'], ['\ud800']])('refuses: the name %j', async (partitionKey) => {
        await expect(backend.registerPartitionKey(partitionKey, firstType)).rejects.toBeInstanceOf(TypeError);
      });

      // Names that a store might take apart at the wrong place, or that begin one another.
      const names = [
        'r',
        'region',
        'region2',
        'region:',
        'region/a',
        'Region',
        'région',
        'r\'"; drop',
        '{r}',
        'r*',
        '%',
        ' ',
      ];
      test('are kept apart, whatever their names', async () => {
        for (const [i, partitionKey] of names.entries()) {
          await backend.registerPartitionKey(partitionKey, firstType);
          const some = createKeySet(firstType, awkwardOf(firstType).slice(0, i % 4));
          await backend.put(sampleEntry(some, { partitionKey, at: i }));
          await backend.put(sampleEntry(some, { partitionKey, text: 'b' }));
        }
        expect(await backend.dropPartitionKey('region')).toBe(2);
        for (const [i, partitionKey] of names.entries()) {
          const isThere = partitionKey !== 'region';
          expect(await backend.count(partitionKey)).toBe(isThere ? 2 : 0);
          expect((await backend.describe(partitionKey, a))?.createdAt).toBe(isThere ? i : undefined);
          expect((await backend.get(partitionKey, a))?.keys?.size).toBe(isThere ? i % 4 : undefined);
          expect((await listed(partitionKey)).map(({ fragment }) => fragment.partitionKey)).toEqual(
            isThere ? [partitionKey, partitionKey] : [],
          );
        }
        expect((await listed()).length).toBe(2 * (names.length - 1));
        expect([...(await backend.partitionKeys()).keys()].sort()).toEqual(
          names.filter((n) => n !== 'region').sort(),
        );
      });

      test('are dropped with all they have, and can have another datatype then', async () => {
        await backend.registerPartitionKey('region', firstType);
        for (const text of ['a', 'b', 'c']) await backend.put(sampleEntry(emptySet, { text }));
        await backend.touch('region', used([a], 9_000));
        expect(await backend.dropPartitionKey('region')).toBe(3);
        expect(await backend.dropPartitionKey('region')).toBe(0);
        expect(await backend.partitionKeys()).toEqual(new Map());
        expect(await listed()).toEqual([]);
        const datatype = keyTypes.at(-1) ?? firstType;
        await backend.registerPartitionKey('region', datatype);
        expect(await backend.get('region', a)).toBeUndefined();
        await backend.put(sampleEntry(createKeySet(datatype, [])));
        expect((await backend.describe('region', a))?.lastUsedAt).toBe(1_000);
      });

      test('refuses: an entry of a partition key that is not registered, or no longer', async () => {
        const unknown = { name: 'UnknownPartitionKeyError', partitionKey: 'region' };
        await expect(backend.put(sampleEntry(emptySet))).rejects.toMatchObject(unknown);
        await backend.registerPartitionKey('region', firstType);
        await backend.dropPartitionKey('region');
        await expect(backend.put(sampleEntry(emptySet))).rejects.toMatchObject(unknown);
      });

      test('that are not registered have nothing', async () => {
        expect(await backend.get('nowhere', a)).toBeUndefined();
        expect(await backend.describe('nowhere', a)).toBeUndefined();
        expect(await backend.delete('nowhere', a)).toBe(false);
        expect(await backend.count('nowhere')).toBe(0);
        expect(await backend.dropPartitionKey('nowhere')).toBe(0);
        expect(await backend.intersect('nowhere', [a])).toEqual({ hits: [], keys: undefined });
        expect(await listed('nowhere')).toEqual([]);
        await backend.touch('nowhere', used([a], 1));
      });
    });

    describe('entries', () => {
      beforeEach(() => backend.registerPartitionKey('region', firstType));
      const someKeys = createKeySet(firstType, awkwardOf(firstType).slice(1, 4), { hasNullKey: true });

      test('come back with all that is known of them', async () => {
        const entry = sampleEntry(someKeys);
        await backend.put(entry);
        expect(plainEntry(await backend.get('region', a))).toEqual(plainEntry(entry));
        const described = await backend.describe('region', a);
        expect(described && withoutBytes(described)).toEqual(descriptionOf(entry));
        expect(await listed('region')).toEqual([described]);
        expect(await listed()).toEqual([described]);
        expect(await backend.count('region')).toBe(1);
      });

      test('keep text that needs care: quotes, line ends, Unicode, tags of our own', async () => {
        const text = `it's "quoted" \\ \n {$bigint} $1 ~ é 👍`;
        const entry = sampleEntry(someKeys, { text });
        const settings = { 'x.$bigint': '1', $bigint: '12', ['__proto__']: 'x' };
        await backend.put({ ...entry, fragment: { ...entry.fragment, settings } });
        expect((await backend.describe('region', hashOf(text)))?.fragment).toEqual({
          ...entry.fragment,
          settings,
        });
      });

      test('say how many bytes their keys take, whatever was said of it before', async () => {
        const changes = await recorded();
        const large = createKeySet(firstType, awkwardOf(firstType));
        await backend.put(sampleEntry(large));
        await backend.put({ ...failedEntry('failed', firstType, { text: 'b' }), bytes: 1_000_000 });
        await until('both to be told', () => changes.length === 2);
        const [full, none] = [await backend.describe('region', a), await backend.describe('region', b)];
        expect(full?.bytes).toBeGreaterThan(0);
        expect(full?.bytes).toBeLessThan(1_000_000);
        expect(none?.bytes).toBe(0);
        expect((await backend.get('region', a))?.bytes).toBe(full?.bytes);
        expect(changes).toEqual([full, none].map((entry) => ({ kind: 'put', entry })));
      });

      test.each(['timeout', 'too_large', 'failed'] as const)('of status %s have no keys', async (status) => {
        const entry = failedEntry(status, firstType);
        await backend.put(entry);
        expect(plainEntry(await backend.get('region', a))).toEqual(plainEntry(entry));
        expect(await backend.intersect('region', [a])).toEqual({ hits: [], keys: undefined });
      });

      test('are replaced whole, whatever they were', async () => {
        await backend.put(sampleEntry(someKeys));
        await backend.put(failedEntry('failed', firstType));
        expect((await backend.get('region', a))?.keys).toBeUndefined();
        await backend.put(sampleEntry(emptySet, { at: 2_000 }));
        expect(plainEntry(await backend.get('region', a))).toEqual(
          plainEntry(sampleEntry(emptySet, { at: 2_000 })),
        );
        expect(await backend.count('region')).toBe(1);
      });

      test('are whole for readers while they are replaced', async () => {
        const sizes = [3, 0, 9, 1, 6];
        const sets = sizes.map((size) => createKeySet(firstType, awkwardOf(firstType).slice(0, size)));
        await backend.put(sampleEntry(sets[0] ?? emptySet));
        let isWriting = true;
        const writing = (async () => {
          for (let i = 0; i < 40; i++)
            await backend.put(sampleEntry(sets[i % sets.length] ?? emptySet, { at: i }));
          isWriting = false;
        })();
        while (isWriting) {
          const entry = await backend.get('region', a);
          expect(entry?.keys?.size).toBe(entry?.keyCount);
        }
        await writing;
      });

      test('are deleted one at a time', async () => {
        await backend.put(sampleEntry(someKeys));
        await backend.put(sampleEntry(someKeys, { text: 'b' }));
        expect(await backend.delete('region', a)).toBe(true);
        expect(await backend.delete('region', a)).toBe(false);
        expect(await backend.get('region', a)).toBeUndefined();
        expect((await backend.intersect('region', [a, b])).hits).toEqual([b]);
        expect((await listed('region')).map(({ fragment }) => fragment.hash)).toEqual([b]);
      });

      test('can be many: listed and counted all', async () => {
        const texts = Array.from({ length: 700 }, (_, i) => `fragment ${i}`);
        await Promise.all(texts.map((text) => backend.put(sampleEntry(emptySet, { text }))));
        expect(await backend.count('region')).toBe(700);
        expect((await listed('region')).map(({ fragment }) => fragment.hash)).toEqual(
          texts.map(hashOf).sort(),
        );
      });

      test('can be listed in part', async () => {
        for (const text of ['a', 'b', 'c']) await backend.put(sampleEntry(emptySet, { text }));
        for await (const { fragment } of backend.list('region')) {
          expect([a, b, c]).toContain(fragment.hash);
          break;
        }
        expect(await backend.count('region')).toBe(3);
      });

      test.each([
        ['ok without keys', { keys: undefined }],
        ['failed with keys', { status: 'failed' as const }],
        ['a wrong number of keys', { keyCount: 17 }],
        ['a wrong NULL flag', { hasNullKey: false }],
      ])('refuses: %s', async (_title, wrong) => {
        await expect(backend.put({ ...sampleEntry(someKeys), ...wrong })).rejects.toBeInstanceOf(TypeError);
        expect(await backend.get('region', a)).toBeUndefined();
      });

      test('refuses: a hash that is none', async () => {
        const entry = sampleEntry(someKeys);
        const fragment = { ...entry.fragment, hash: 'ABC' as typeof a };
        await expect(backend.put({ ...entry, fragment })).rejects.toBeInstanceOf(TypeError);
      });
    });

    describe('intersection', () => {
      const [x, y, z] = awkwardOf(firstType) as [never, never, never];
      beforeEach(async () => {
        await backend.registerPartitionKey('region', firstType);
        await backend.put(sampleEntry(createKeySet(firstType, [x, y])));
        await backend.put(sampleEntry(createKeySet(firstType, [y, z]), { text: 'b' }));
      });

      test('takes the entries that exist, in the order asked, each once', async () => {
        const { hits, keys } = await backend.intersect('region', [b, c, a, b]);
        expect(hits).toEqual([b, a]);
        expect([...(keys?.values() ?? [])]).toEqual([y]);
      });

      test('of one entry is that entry', async () => {
        const { keys } = await backend.intersect('region', [a, c]);
        expect([...(keys?.values() ?? [])]).toEqual([x, y]);
      });

      test('with an empty set is empty, not missing', async () => {
        await backend.put(sampleEntry(emptySet, { text: 'c' }));
        const { hits, keys } = await backend.intersect('region', [a, b, c]);
        expect(hits).toEqual([a, b, c]);
        expect(keys?.size).toBe(0);
      });

      test('of nothing that exists has no keys', async () => {
        expect(await backend.intersect('region', [c])).toEqual({ hits: [], keys: undefined });
        expect(await backend.intersect('region', [])).toEqual({ hits: [], keys: undefined });
      });
    });

    describe('use', () => {
      beforeEach(async () => {
        await backend.registerPartitionKey('region', firstType);
        await backend.put(sampleEntry(emptySet));
        await backend.put(sampleEntry(emptySet, { text: 'b' }));
      });

      test('is noted where the entry is described, and only moves forward', async () => {
        await backend.touch('region', used([a], 5_000));
        await backend.touch('region', used([a, b], 3_000));
        await until(
          'the notes to be seen',
          async () => (await backend.describe('region', a))?.lastUsedAt === 5_000,
        );
        expect((await backend.get('region', b))?.lastUsedAt).toBe(3_000);
        expect((await listed()).map(({ lastUsedAt }) => lastUsedAt).sort()).toEqual([3_000, 5_000]);
        expect((await backend.describe('region', a))?.createdAt).toBe(1_000);
      });

      test('adds up, with what it saved, and stays when the entry is replaced', async () => {
        expect((await backend.describe('region', a))?.benefit).toBeUndefined();
        const use = { hash: a, at: 5_000, uses: 3, savedMs: 40.5 };
        const isSeen = async (uses: number): Promise<boolean> =>
          (await backend.describe('region', a))?.benefit?.uses === uses;
        await backend.touch('region', [use]);
        await backend.touch('region', [{ ...use, at: 6_000, uses: 2, savedMs: -0.25 }]);
        await until('the notes to be seen', () => isSeen(5));
        expect((await backend.get('region', a))?.benefit).toEqual({ uses: 5, savedMs: 40.25 });
        expect((await backend.get('region', b))?.benefit).toBeUndefined();
        if (reopen === undefined) return;
        await backend[Symbol.asyncDispose]();
        backend = await reopen();
        await until('the notes to be written', () => isSeen(5));
        await backend.put(sampleEntry(emptySet, { at: 7_000 }));
        await backend.touch('region', [{ ...use, at: 8_000 }]);
        await until('both to be seen', () => isSeen(8));
        // A listing that reads while a note is on its way may still be without it.
        const inList = async (): Promise<EntryDescription | undefined> =>
          (await listed()).find(({ fragment }) => fragment.hash === a);
        await until('both to be listed', async () => (await inList())?.benefit?.uses === 8);
        expect(await inList()).toMatchObject({
          lastUsedAt: 8_000,
          benefit: { uses: 8, savedMs: 80.75 },
        });
        await backend.delete('region', a);
        await backend.put(sampleEntry(emptySet));
        expect((await backend.describe('region', a))?.benefit).toBeUndefined();
      });

      test('of an entry that does not exist brings none about', async () => {
        await backend.touch('region', used([c], 5_000));
        expect(await backend.describe('region', c)).toBeUndefined();
        expect(await backend.count('region')).toBe(2);
      });

      test('of an older entry says nothing about the one that replaces it', async () => {
        await backend.touch('region', used([a], 5_000));
        await backend.put(sampleEntry(emptySet, { at: 4_000 }));
        expect((await backend.describe('region', a))?.lastUsedAt).toBe(4_000);
      });

      test('can be noted of very many entries at once', async () => {
        const hashes = Array.from({ length: 3_000 }, (_, i) => hashOf(`fragment ${i}`));
        await backend.touch('region', used([...hashes, a], 6_000));
        await until(
          'the note to be seen',
          async () => (await backend.describe('region', a))?.lastUsedAt === 6_000,
        );
        expect(await backend.count('region')).toBe(2);
      });
    });

    describe('changes', () => {
      test('are told after they are made, in order, to all who listen', async () => {
        await backend.registerPartitionKey('region', firstType);
        const [first, second] = [await recorded(), await recorded()];
        const entry = sampleEntry(emptySet);
        await backend.put(entry);
        await backend.delete('region', a);
        await backend.delete('region', a);
        await backend.put(failedEntry('timeout', firstType));
        await backend.dropPartitionKey('region');
        await backend.dropPartitionKey('region');
        const expected: CacheChange[] = [
          { kind: 'put', entry: descriptionOf(entry) },
          { kind: 'deleted', partitionKey: 'region', hash: a },
          { kind: 'put', entry: descriptionOf(failedEntry('timeout', firstType)) },
          { kind: 'dropped', partitionKey: 'region' },
        ];
        await until('all changes to be told', () => first.length >= 4 && second.length >= 4);
        const plain = (changes: readonly CacheChange[]): unknown[] =>
          changes.map((change) =>
            change.kind === 'put' ? { ...change, entry: withoutBytes(change.entry) } : change,
          );
        expect(plain(first)).toEqual(expected);
        expect(second).toEqual(first);
      });

      test('are not told of what was refused, nor to those who have left', async () => {
        const changes = await recorded();
        const gone: CacheChange[] = [];
        backend.subscribe((change) => gone.push(change))();
        await expect(backend.put(sampleEntry(emptySet))).rejects.toThrow();
        await backend.registerPartitionKey('region', firstType);
        await backend.put(sampleEntry(emptySet));
        await until('the change to be told', () => changes.length > 0);
        expect(changes.map(({ kind }) => kind)).toEqual(['put']);
        expect(gone).toEqual([]);
      });

      test('are told to the others, and made, when a listener throws', async () => {
        await backend.registerPartitionKey('region', firstType);
        backend.subscribe(() => {
          throw new Error('a listener of the test fails');
        });
        const changes = await recorded();
        await backend.put(sampleEntry(emptySet));
        await until('the change to be told', () => changes.length === 1);
        expect(await backend.get('region', a)).toBeDefined();
      });
    });

    describeEviction(() => backend, firstType);

    describe('after closing', () => {
      test('may be closed again, and at once', async () => {
        await Promise.all([backend[Symbol.asyncDispose](), backend[Symbol.asyncDispose]()]);
        await backend[Symbol.asyncDispose]();
      });

      test('rejects every operation with CacheUnavailableError', async () => {
        await backend.registerPartitionKey('region', firstType);
        await backend[Symbol.asyncDispose]();
        const operations: Promise<unknown>[] = [
          backend.registerPartitionKey('region', firstType),
          backend.partitionKeys(),
          backend.put(sampleEntry(emptySet)),
          backend.get('region', a),
          backend.describe('region', a),
          backend.delete('region', a),
          backend.intersect('region', [a]),
          backend.count('region'),
          backend.dropPartitionKey('region'),
          backend.touch('region', used([a], 1)),
          listed(),
        ];
        for (const outcome of await Promise.allSettled(operations)) {
          expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'CacheUnavailableError' } });
        }
      });

      test('what was under way has ended, well or as unavailable', async () => {
        await backend.registerPartitionKey('region', firstType);
        for (const text of ['a', 'b', 'c']) await backend.put(sampleEntry(emptySet, { text }));
        const reading = backend.list('region')[Symbol.asyncIterator]();
        await reading.next();
        const operations = [
          ...Array.from({ length: 20 }, (_, i) => backend.put(sampleEntry(emptySet, { text: `${i}` }))),
          ...Array.from({ length: 20 }, () => backend.get('region', a)),
          backend[Symbol.asyncDispose](),
          reading.next(),
        ];
        for (const outcome of await Promise.allSettled(operations)) {
          if (outcome.status === 'rejected')
            expect(outcome.reason).toMatchObject({ name: 'CacheUnavailableError' });
        }
      });
    });

    if (reopen !== undefined) {
      test('what was put is there when the store is opened again', async () => {
        for (const datatype of keyTypes) {
          const partitionKey = `the ${datatype}`;
          await backend.registerPartitionKey(partitionKey, datatype);
          await backend.put(sampleEntry(createKeySet(datatype, awkwardOf(datatype)), { partitionKey }));
          await backend.put(failedEntry('timeout', datatype, { partitionKey, text: 'b' }));
          await backend.put(sampleEntry(createKeySet(datatype, []), { partitionKey, text: 'c' }));
          await backend.delete(partitionKey, c);
          await backend.touch(partitionKey, used([a], 7_000));
        }
        await backend[Symbol.asyncDispose]();
        backend = await reopen();
        expect(await backend.partitionKeys()).toEqual(new Map(keyTypes.map((type) => [`the ${type}`, type])));
        for (const datatype of keyTypes) {
          const partitionKey = `the ${datatype}`;
          const expected = sampleEntry(createKeySet(datatype, awkwardOf(datatype)), { partitionKey });
          expect(plainEntry(await backend.get(partitionKey, a))).toEqual(
            plainEntry({ ...expected, lastUsedAt: 7_000, benefit: { uses: 1, savedMs: 0 } }),
          );
          expect((await backend.describe(partitionKey, b))?.status).toBe('timeout');
          expect(await backend.count(partitionKey)).toBe(2);
        }
      });
    }
  });
}

/** Between the keys of a large set: wide, unless they have to fit into a narrow range. */
function stepOf(range: IntegerRange | undefined): bigint {
  return range === undefined ? 1_000_003n : 3n;
}
