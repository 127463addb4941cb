import { Redis } from 'ioredis';
import { openRedisBit, openRedisRoaringbit, openRedisSet } from '../../../src/cache/backends/redis';
import type { RedisOptions } from '../../../src/cache/backends/redis/redis-backend';
import type { CacheBackend, CacheChange } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { DatatypeMismatchError } from '../../../src/errors/datatype-mismatch-error';
import { StartError } from '../../../src/errors/start-error';
import { descriptionOf, hashOf, plainEntry, withoutBytes, sampleEntry } from '../../support/cache-entries';
import { makeCertificate } from '../../support/certificates';
import { freePort } from '../../support/free-port';
import { redisOptions } from '../../support/redis-options';
import { hasRedis, type RedisServer, type RedisSettings, startRedis } from '../../support/redis-server';
import { temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

const [a, b] = [hashOf('a'), hashOf('b')];
const keys = createKeySet('integer', [1n, 2n]);
const describeThere = hasRedis ? describe : describe.skip;

const openers: Readonly<Record<string, (options: RedisOptions) => Promise<CacheBackend>>> = {
  redis_set: openRedisSet,
  redis_bit: (options) => openRedisBit({ ...options, bits: 100_000 }),
  redis_roaringbit: openRedisRoaringbit,
};

/** What a proxy knows of a backend. */
function directoryOf(backend: CacheBackend): Directory & { readonly changes: CacheChange[] } {
  const directory = new Directory();
  const changes: CacheChange[] = [];
  backend.subscribe((change) => {
    directory.apply(change);
    changes.push(change);
  });
  return Object.assign(directory, { changes });
}

const opened: AsyncDisposable[] = [];
function owned<T extends AsyncDisposable>(thing: T): T {
  opened.push(thing);
  return thing;
}
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

async function startServer(settings: RedisSettings = []): Promise<RedisServer & { readonly admin: Redis }> {
  const server = owned(await startRedis(settings));
  const password = settings.find(([name]) => name === 'requirepass')?.[1];
  const admin = new Redis({ ...server, ...(password === undefined ? {} : { password }) });
  admin.on('error', () => undefined);
  owned({ [Symbol.asyncDispose]: async () => admin.disconnect() });
  return Object.assign(server, { admin });
}

async function open(
  target: Parameters<typeof redisOptions>[0],
  options: Parameters<typeof redisOptions>[1] = {},
  openWith = openRedisSet,
): Promise<CacheBackend> {
  return owned(await openWith(redisOptions(target, options)));
}

const describeOne = 'Redis (skipped where there is no redis-server)';

describeThere(`${describeOne}: log-in and TLS`, () => {
  test('by password, or as a user with no more rights than needed', async () => {
    const server = await startServer([['requirepass', 'sesame']]);
    await server.admin.call(
      ...['ACL', 'SETUSER', 'cache', 'on', '>open', '~pcache:*', '~{pcache:*', '&pcache:*', '-@all'],
      ...['+@read', '+@write', '+@scripting', '+@pubsub', '+@connection', '+info', '-@dangerous', '+info'],
    );
    for (const target of [{ password: 'sesame' }, { username: 'cache', password: 'open' }]) {
      const backend = await open({ addresses: [server], ...target });
      await backend.registerPartitionKey('region', 'integer');
      await backend.put(sampleEntry(keys));
      expect((await backend.get('region', a))?.keyCount).toBe(2);
      expect((await backend.intersect('region', [a])).keys?.size).toBe(2);
      expect(await backend.dropPartitionKey('region')).toBe(1);
    }
  });

  test.each([
    ['a wrong password', { password: 'wrong' }, /WRONGPASS/],
    ['no password', {}, /NOAUTH/],
    ['an unknown user', { username: 'nobody', password: 'sesame' }, /WRONGPASS/],
    ['a database there is none of', { password: 'sesame', database: 99 }, /DB index is out of range/],
  ])('refuses: %s, as what waiting does not mend', async (_title, target, message) => {
    const server = await startServer([['requirepass', 'sesame']]);
    const opening = open({ addresses: [server], ...target });
    await expect(opening).rejects.toBeInstanceOf(StartError);
    await expect(opening).rejects.toThrow(message);
  });

  test('a server that is not there can be tried again', async () => {
    const opening = open({ addresses: [{ host: '127.0.0.1', port: await freePort() }] });
    await expect(opening).rejects.toBeInstanceOf(CacheUnavailableError);
    await expect(opening).rejects.toThrow(/ECONNREFUSED/);
  });

  test('over TLS, and refuses: a certificate of somebody else', async () => {
    await using directory = await temporaryDirectory('redis-tls');
    const { certificate, key, pem } = makeCertificate(directory.path, 'redis');
    const port = await freePort();
    await startServer([
      ['port', '0'],
      ['tls-port', String(port)],
      ['tls-cert-file', certificate],
      ['tls-key-file', key],
      ['tls-auth-clients', 'no'],
      ['requirepass', 'sesame'],
    ]);
    const target = { addresses: [{ host: '127.0.0.1', port }], password: 'sesame' } as const;
    const backend = await open({ ...target, tls: { ca: pem } });
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    expect((await backend.get('region', a))?.keyCount).toBe(2);
    const other = makeCertificate(directory.path, 'other');
    await expect(open({ ...target, tls: { ca: other.pem } })).rejects.toBeInstanceOf(CacheUnavailableError);
    await expect(open(target)).rejects.toBeInstanceOf(CacheUnavailableError);
  });
});

describeThere(`${describeOne}: where entries are`, () => {
  test('under the key prefix, in the database: caches beside each other know nothing of each other', async () => {
    const server = await startServer();
    const backends = [
      await open({ addresses: [server] }),
      await open({ addresses: [server] }, { keyPrefix: 'other:' }),
      await open({ addresses: [server], database: 3 }),
      await open({ addresses: [server] }, {}, openRedisRoaringbit),
    ];
    for (const [i, backend] of backends.entries()) {
      expect((await backend.partitionKeys()).size).toBe(0);
      await backend.registerPartitionKey('region', 'integer');
      await backend.put(sampleEntry(createKeySet('integer', [BigInt(i)])));
    }
    for (const [i, backend] of backends.entries())
      expect([...((await backend.get('region', a))?.keys?.values() ?? [])]).toEqual([BigInt(i)]);
    await backends[0]!.dropPartitionKey('region');
    for (const backend of backends.slice(1)) expect(await backend.count('region')).toBe(1);
    await server.admin.select(0);
    const names = await server.admin.keys('*');
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(name).toMatch(/^\{?(pcache|other):/);
  });

  test('as long as they may live, then they are as never computed, and the directory is told', async () => {
    const server = await startServer();
    const backend = await open({ addresses: [server] }, { ttlMs: 150 });
    await backend.registerPartitionKey('region', 'integer');
    const directory = directoryOf(backend);
    await backend.put(sampleEntry(keys));
    expect(directory.size).toBe(1);
    await until('it has gone', async () => (await backend.get('region', a)) === undefined);
    await until('that is told', () => directory.size === 0);
    expect(await backend.count('region')).toBe(0);
    // Put again, it lives again.
    await backend.put(sampleEntry(keys));
    expect(directory.size).toBe(1);
  });
});

describeThere(`${describeOne}: what somebody else did to entries`, () => {
  describe.each(Object.entries(openers))('%s', (name, openWith) => {
    const description = `{pcache:${name}:region}:d:${a}`;
    const stored = `{pcache:${name}:region}:k:${a}`;
    test.each<readonly [string, (admin: Redis) => Promise<unknown>]>([
      ['keys are gone', (admin) => admin.del(stored)],
      ['keys are empty', (admin) => admin.set(stored, '')],
      ['keys are a list', (admin) => admin.del(stored).then(() => admin.rpush(stored, 'x'))],
      ['keys are a set of others', (admin) => admin.del(stored).then(() => admin.sadd(stored, 'x'))],
      ['keys are random bytes', (admin) => admin.set(stored, Buffer.from([1, 2, 3, 0xff, 0xfe]))],
      ['description is gone', (admin) => admin.del(description)],
      ['description is empty', (admin) => admin.set(description, '')],
      [
        'description is a hash',
        (admin) => admin.del(description).then(() => admin.hset(description, 'x', 1)),
      ],
      [
        'description is cut off',
        async (admin) => {
          const bytes = await admin.getBuffer(description);
          await admin.set(description, bytes?.subarray(0, 40) ?? '');
        },
      ],
      ['description is of another version', (admin) => admin.set(description, '+{"version":99}')],
    ])('%s: as never computed, told, and can be put again', async (_title, damage) => {
      const server = await startServer();
      const backend = await open({ addresses: [server] }, {}, openWith);
      await backend.registerPartitionKey('region', 'integer');
      const directory = directoryOf(backend);
      const entry = sampleEntry(createKeySet('integer', [5n, 900n, 70_000n], { hasNullKey: true }));
      const other = sampleEntry(keys, { text: 'b' });
      await backend.put(entry);
      await backend.put(other);
      await damage(server.admin);
      expect(await backend.get('region', a)).toBeUndefined();
      await until('that is told', () => directory.get('region', a) === undefined);
      expect(await backend.describe('region', a)).toBeUndefined();
      expect((await backend.intersect('region', [a, b])).hits).toEqual([b]);
      const listed: unknown[] = [];
      for await (const each of backend.list('region')) listed.push(withoutBytes(each));
      expect(listed).toEqual([descriptionOf(other)]);
      await backend.put(entry);
      expect(plainEntry(await backend.get('region', a))).toEqual(plainEntry(entry));
    });
  });

  test('a set that has lost keys takes none away from an intersection', async () => {
    for (const [name, openWith] of Object.entries(openers)) {
      const server = await startServer();
      const stored = `{pcache:${name}:region}:k:${a}`;
      const backend = await open({ addresses: [server] }, {}, openWith);
      await backend.registerPartitionKey('region', 'integer');
      await backend.put(sampleEntry(keys));
      await backend.put(sampleEntry(keys, { text: 'b' }));
      if (name === 'redis_set') await server.admin.srem(stored, '1');
      else await server.admin.set(stored, (await server.admin.getBuffer(stored))?.subarray(0, 0) ?? '');
      const { hits, keys: common } = await backend.intersect('region', [a, b]);
      expect([hits, [...(common?.values() ?? [])]]).toEqual([[b], [1n, 2n]]);
      expect(await backend.describe('region', a)).toBeUndefined();
    }
  });

  test('a set of more keys than a call can have arguments is kept', async () => {
    const server = await startServer();
    const backend = await open({ addresses: [server] });
    await backend.registerPartitionKey('region', 'integer');
    const many = createKeySet(
      'integer',
      Array.from({ length: 200_000 }, (_, i) => BigInt(i)),
    );
    await backend.put(sampleEntry(many));
    expect((await backend.get('region', a))?.keys?.size).toBe(200_000);
  });

  test('a partition key is known with another datatype: refused, by the name', async () => {
    const server = await startServer();
    const first = await open({ addresses: [server] });
    await first.registerPartitionKey('region', 'integer');
    const second = await open({ addresses: [server] });
    await expect(second.registerPartitionKey('region', 'text')).rejects.toBeInstanceOf(DatatypeMismatchError);
  });
});

describeThere(`${describeOne}: memory`, () => {
  test.each(Object.entries(openers))(
    '%s: evicting while entries are put and read, every entry is whole or absent',
    async (_name, openWith) => {
      const server = await startServer([['maxmemory-policy', 'allkeys-random']]);
      const used = async () => Number(/used_memory:(\d+)/.exec(await server.admin.info('memory'))?.[1]);
      const backend = await open({ addresses: [server] }, {}, openWith);
      const entries = Array.from({ length: 300 }, (_, i) => {
        // As bits some kilobytes: of less, the buffers of the connections, which count as well, would leave no room.
        const values = i % 10 === 0 ? [] : Array.from({ length: 500 }, (_none, k) => BigInt(k * 150 + i));
        return sampleEntry(createKeySet('integer', values), { text: String(i) });
      });
      const before = await used();
      await backend.registerPartitionKey('region', 'integer');
      for (const entry of entries) await backend.put(entry);
      // Room for about half of them.
      await server.admin.config('SET', 'maxmemory', String(Math.round((before + (await used())) / 2)));
      let [whole, absent] = [0, 0];
      for (let round = 0; round < 3; round++) {
        for (const entry of entries) {
          // As the guard does: the registration may be evicted as well.
          await backend.registerPartitionKey('region', 'integer');
          await backend.put(entry).catch((error: unknown) => {
            if (!(error instanceof Error) || error.name !== 'UnknownPartitionKeyError') throw error;
          });
        }
        for (const [i, { fragment }] of entries.entries()) {
          const entry = await backend.get('region', fragment.hash);
          if (entry === undefined) absent++;
          else {
            whole++;
            expect(plainEntry(entry)).toEqual(plainEntry(entries[i]));
          }
        }
      }
      expect(Number(/evicted_keys:(\d+)/.exec(await server.admin.info('stats'))?.[1])).toBeGreaterThan(0);
      expect(whole).toBeGreaterThan(0);
      expect(absent).toBeGreaterThan(0);
    },
  );

  test('full, and nothing may be evicted: what is there is read, what is put is refused with the reason', async () => {
    const server = await startServer([['maxmemory-policy', 'noeviction']]);
    const backend = await open({ addresses: [server] });
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    await server.admin.config('SET', 'maxmemory', '1');
    await expect(backend.put(sampleEntry(keys, { text: 'b' }))).rejects.toThrow(/OOM/);
    expect((await backend.get('region', a))?.keyCount).toBe(2);
    expect(await backend.get('region', b)).toBeUndefined();
    await server.admin.config('SET', 'maxmemory', '0');
    await backend.put(sampleEntry(keys, { text: 'b' }));
    expect((await backend.get('region', b))?.keyCount).toBe(2);
  });
});

describeThere(`${describeOne}: two processes on one store`, () => {
  test('hear of what the other one does', async () => {
    const server = await startServer();
    const [first, second] = [await open({ addresses: [server] }), await open({ addresses: [server] })];
    const directory = directoryOf(second);
    await first.registerPartitionKey('region', 'integer');
    await first.put(sampleEntry(keys));
    await until('the entry is heard of', () => directory.get('region', a) !== undefined);
    await first.delete('region', a);
    await until('its end is heard of', () => directory.size === 0);
    await first.put(sampleEntry(keys));
    await first.dropPartitionKey('region');
    await until('the drop is heard of', () => directory.changes.at(-1)?.kind === 'dropped');
    expect(directory.size).toBe(0);
  });

  test('what nobody of us has sent changes nothing', async () => {
    const server = await startServer();
    const backend = await open({ addresses: [server] });
    await backend.registerPartitionKey('region', 'integer');
    const directory = directoryOf(backend);
    for (const message of ['', 'x', '[]', '{"by":1}'])
      expect(await server.admin.publish('pcache:redis_set:changes', message)).toBe(1);
    await backend.put(sampleEntry(keys));
    expect(directory.changes.map(({ kind }) => kind)).toEqual(['put']);
  });

  test('after a gap all is known: the listening connection was cut', async () => {
    const server = await startServer();
    const [first, second] = [await open({ addresses: [server] }), await open({ addresses: [server] })];
    await first.registerPartitionKey('region', 'integer');
    await first.put(sampleEntry(keys));
    await second.registerPartitionKey('region', 'integer');
    const directory = directoryOf(second);
    for await (const entry of second.list('region')) directory.put(entry);
    await server.admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await first.put(sampleEntry(keys, { text: 'b' }));
    await first.delete('region', a);
    await until('what was missed is known', () => directory.get('region', b) !== undefined);
    await until('also what has gone', () => directory.get('region', a) === undefined);
    // And it hears again.
    await first.delete('region', b);
    await until('what comes then is heard', () => directory.size === 0);
  });

  test('after a gap nobody told of, all is known: the server hung for longer than the pulse', async () => {
    const server = await startServer();
    const target = { addresses: [server], commandTimeoutMs: 300 } as const;
    const warnings: string[] = [];
    const backend = await open(target, { warn: (message) => warnings.push(message) });
    await backend.registerPartitionKey('region', 'integer');
    const directory = directoryOf(backend);
    server.process.kill('SIGSTOP');
    // The first one may have been under way.
    await until('two pulses do not come back', () => warnings.length >= 2);
    const before = directory.changes.length;
    server.process.kill('SIGCONT');
    await until('all is told anew', () => directory.changes.length > before);
    expect(directory.changes.at(-1)).toEqual({ kind: 'dropped', partitionKey: 'region' });
  });

  test('a server that starts anew has nothing, and the directory neither', async () => {
    const server = await startServer();
    const writer = await open({ addresses: [server] });
    await writer.registerPartitionKey('region', 'integer');
    await writer.put(sampleEntry(keys));
    const backend = await open({ addresses: [server] });
    await backend.registerPartitionKey('region', 'integer');
    const directory = directoryOf(backend);
    for await (const entry of backend.list('region')) directory.put(entry);
    expect(directory.size).toBe(1);
    await server.restart();
    await until('that is known', () => directory.size === 0);
    await until('it can be used again', () =>
      backend.registerPartitionKey('region', 'integer').then(
        () => true,
        () => false,
      ),
    );
    await backend.put(sampleEntry(keys));
    expect((await backend.get('region', a))?.keyCount).toBe(2);
  });
});
