import { MemoryBackend } from '../../../src/cache/backends/memory';
import type { CacheBackend, CacheChange } from '../../../src/cache/cache-backend';
import type { CacheEvents } from '../../../src/cache/cache-events';
import { GuardedBackend, type GuardedBackendOptions } from '../../../src/cache/guarded-backend';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { StartError } from '../../../src/errors/start-error';
import { UnknownPartitionKeyError } from '../../../src/errors/unknown-partition-key-error';
import { describeCacheBackend } from '../../support/cache-backend-conformance';
import { descriptionOf, hashOf, sampleEntry } from '../../support/cache-entries';
import { until } from '../../support/until';

const [a, b] = [hashOf('a'), hashOf('b')];
const keys = createKeySet('integer', [1n, 2n]);
const capabilities = new MemoryBackend({ warn: () => undefined }).capabilities;

/** A store whose answers can be kept back, or be that it is away. */
class Moody {
  mood: 'well' | 'away' | 'silent' | 'full' = 'well';
  asked = 0;
  memory = new MemoryBackend({ warn: () => undefined });
  private waiting: (() => void)[] = [];

  readonly open = async (): Promise<CacheBackend> => {
    await this.pass('open');
    return new Proxy(this.memory, { get: (_target, name) => this.method(name as keyof CacheBackend) });
  };

  /** What was kept back is answered. */
  speak(): void {
    this.mood = 'well';
    for (const resume of this.waiting.splice(0)) resume();
  }

  private method(name: keyof CacheBackend): unknown {
    const memory: CacheBackend = this.memory;
    const member: unknown = memory[name];
    if (typeof member !== 'function') return member;
    const call = (...args: unknown[]): unknown => Reflect.apply(member, this.memory, args);
    if (['subscribe', 'touch', Symbol.asyncDispose].includes(name)) return call;
    const { pass } = this;
    if (name === 'list')
      return async function* (partitionKey: string) {
        await pass(name);
        yield* memory.list(partitionKey);
      };
    return async (...args: unknown[]) => {
      await this.pass(name);
      return call(...args);
    };
  }

  private readonly pass = async (name: string | symbol): Promise<void> => {
    this.asked++;
    if (this.mood === 'silent') await new Promise<void>((resolve) => this.waiting.push(resolve));
    const isWrite = name === 'put' || name === 'registerPartitionKey';
    if (this.mood === 'away' || (this.mood === 'full' && isWrite))
      throw new CacheUnavailableError('moody', `it is ${this.mood}`);
  };
}

let store: Moody;
let told: string[];
const events: CacheEvents = {
  ended: () => undefined,
  away: (reason) => told.push(`away: ${reason}`),
  back: () => told.push('back'),
  trouble: (message) => told.push(message),
};
const opened: GuardedBackend[] = [];
beforeEach(() => {
  store = new Moody();
  told = [];
});
afterEach(async () => {
  store.speak();
  for (const backend of opened.splice(0)) await backend[Symbol.asyncDispose]();
});

async function open(options: Partial<GuardedBackendOptions> = {}): Promise<GuardedBackend> {
  const backend = await GuardedBackend.open({
    name: 'moody',
    capabilities,
    open: store.open,
    overdueMs: 60_000,
    startMs: 100,
    pauses: { firstMs: 5, longestMs: 20 },
    events,
    ...options,
  });
  opened.push(backend);
  return backend;
}

function changesOf(backend: CacheBackend): CacheChange[] {
  const changes: CacheChange[] = [];
  backend.subscribe((change) => changes.push(change));
  return changes;
}

describeCacheBackend({
  name: 'memory',
  keyTypes: ['integer', 'float', 'text', 'timestamp'],
  open: () => open({ name: 'memory' }),
});

describe('a store that goes away', () => {
  test('is not asked any more, and found again by itself', async () => {
    const backend = await open();
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    store.mood = 'away';
    await expect(backend.get('region', a)).rejects.toThrow('moody: it is away');
    await until('that is told', () => told.length === 1);
    expect(backend.trouble).toMatch(/does not answer, statements go unrestricted: .*it is away/);
    store.mood = 'silent';
    await expect(backend.get('region', a)).rejects.toBeInstanceOf(CacheUnavailableError);
    store.speak();
    await until('it is found', () => backend.trouble === undefined);
    expect((await backend.get('region', a))?.keyCount).toBe(2);
    expect(told).toEqual(['away: moody: it is away', 'back']);
  });

  test('without a word: nobody waits for what is overdue, until anything is answered', async () => {
    const backend = await open({ overdueMs: 20 });
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    store.mood = 'silent';
    const first = backend.get('region', a);
    await until('it is taken for away', () => backend.trouble !== undefined);
    const { asked } = store;
    for (let i = 0; i < 100; i++)
      await expect(backend.get('region', a)).rejects.toBeInstanceOf(CacheUnavailableError);
    // One of them may be a probe.
    expect(store.asked - asked).toBeLessThanOrEqual(1);
    store.speak();
    expect((await first)?.keyCount).toBe(2);
    expect((await backend.get('region', a))?.keyCount).toBe(2);
  });

  test('again and again although it answers probes: it is probed ever more rarely, up to the limit', async () => {
    const backend = await open();
    store.mood = 'away';
    for (let round = 1; round <= 3; round++) {
      await until('it is away', async () => {
        await backend.get('region', a).catch(() => undefined);
        return told.length === 2 * round - 1;
      });
      store.mood = 'well';
      await until('it is back', () => told.length === 2 * round);
      store.mood = 'away';
    }
    expect(told).toHaveLength(6);
  });

  test('while it is closed, it is not looked for any more', async () => {
    const backend = await open();
    store.mood = 'away';
    await expect(backend.count('region')).rejects.toBeInstanceOf(CacheUnavailableError);
    await backend[Symbol.asyncDispose]();
    await expect(backend.count('region')).rejects.toThrow('it is closed');
  });
});

describe('a store that cannot be written', () => {
  test('is read all the same, and is in trouble until something can be written', async () => {
    const backend = await open();
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    store.mood = 'full';
    await expect(backend.put(sampleEntry(keys, { text: 'b' }))).rejects.toThrow('it is full');
    expect(backend.trouble).toBe('nothing new can be kept: moody: it is full');
    expect((await backend.get('region', a))?.keyCount).toBe(2);
    store.mood = 'well';
    await backend.put(sampleEntry(keys, { text: 'b' }));
    expect(backend.trouble).toBeUndefined();
    expect(told).toEqual([]);
  });

  test('because it has lost a registration gets it again', async () => {
    const backend = await open();
    await backend.registerPartitionKey('region', 'integer');
    await store.memory.dropPartitionKey('region');
    await backend.put(sampleEntry(keys));
    expect((await backend.get('region', a))?.keyCount).toBe(2);
    await backend.dropPartitionKey('region');
    await expect(backend.put(sampleEntry(keys))).rejects.toBeInstanceOf(UnknownPartitionKeyError);
  });
});

describe('a store that is not there at the start', () => {
  test.each(['away', 'silent'] as const)('and %s: all is told when it is', async (mood) => {
    await store.memory.registerPartitionKey('region', 'integer');
    await store.memory.put(sampleEntry(keys));
    store.mood = mood;
    const backend = await open();
    const changes = changesOf(backend);
    await expect(backend.registerPartitionKey('region', 'integer')).rejects.toBeInstanceOf(
      CacheUnavailableError,
    );
    await expect(backend.registerPartitionKey('new', 'text')).rejects.toBeInstanceOf(CacheUnavailableError);
    expect(backend.capabilities).toEqual(capabilities);
    store.speak();
    await until('it is found', () => backend.trouble === undefined);
    expect(changes).toEqual([
      { kind: 'dropped', partitionKey: 'region' },
      { kind: 'put', entry: { ...descriptionOf(sampleEntry(keys)), bytes: keys.bytes } },
      { kind: 'dropped', partitionKey: 'new' },
    ]);
    expect([...(await backend.partitionKeys()).keys()].sort()).toEqual(['new', 'region']);
    await backend.put(sampleEntry(keys, { text: 'b' }));
    expect(changes).toHaveLength(4);
  });

  test('goes away between registration and list: the rest is told later', async () => {
    await store.memory.registerPartitionKey('region', 'integer');
    await store.memory.put(sampleEntry(keys));
    const backend = await open();
    const changes = changesOf(backend);
    await backend.registerPartitionKey('region', 'integer');
    store.mood = 'away';
    await expect(backend.list('region')[Symbol.asyncIterator]().next()).rejects.toThrow('it is away');
    store.mood = 'well';
    await until('it is told', () => changes.length === 2);
  });

  test('is full then: it is read all the same', async () => {
    await store.memory.registerPartitionKey('region', 'integer');
    await store.memory.put(sampleEntry(keys));
    store.mood = 'full';
    const backend = await open();
    const changes = changesOf(backend);
    await expect(backend.registerPartitionKey('region', 'integer')).rejects.toThrow('it is full');
    await until('it is told', () => changes.length === 2);
    await until('it can be read', () =>
      backend.get('region', a).then(
        (entry) => entry?.keyCount === 2,
        () => false,
      ),
    );
  });

  test('has a partition key with another datatype: the others can be used', async () => {
    await store.memory.registerPartitionKey('region', 'integer');
    store.mood = 'away';
    const backend = await open();
    const changes = changesOf(backend);
    for (const [name, datatype] of [
      ['region', 'text'],
      ['city', 'integer'],
    ] as const)
      await expect(backend.registerPartitionKey(name, datatype)).rejects.toThrow(/it is away/);
    store.speak();
    await until('it is found', () => backend.trouble === undefined);
    expect(told).toContain('the cache cannot be used for the partition key region');
    await backend.put(sampleEntry(keys, { text: 'b', partitionKey: 'city' }));
    expect((await backend.get('city', b))?.keyCount).toBe(2);
    expect(changes.map(({ kind }) => kind)).toEqual(['dropped', 'put']);
  });

  test('refuses: what waiting does not mend', async () => {
    const opening = open({ open: () => Promise.reject(new StartError('wrong password')) });
    await expect(opening).rejects.toBeInstanceOf(StartError);
  });

  test('and is opened while the guard is closed is closed too', async () => {
    store.mood = 'silent';
    const backend = await open();
    const closing = backend[Symbol.asyncDispose]();
    store.speak();
    await closing;
    await expect(store.memory.partitionKeys()).rejects.toBeInstanceOf(CacheUnavailableError);
  });
});
