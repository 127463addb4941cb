import { Redis } from 'ioredis';
import { openRedisSet } from '../../../src/cache/backends/redis';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import { invalidate } from '../../../src/cache/invalidation';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { hashOf, sampleEntry } from '../../support/cache-entries';
import { redisOptions } from '../../support/redis-options';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { until } from '../../support/until';

const a = hashOf('a');
const keys = createKeySet('integer', [1n, 2n]);
const describeThere = hasRedis ? describe : describe.skip;

describeThere('the index of entries is gone, as if Redis had evicted it:', () => {
  const index = '{pcache:redis_set:reg*ion}:entries';
  let server: RedisServer;
  let admin: Redis;
  let backend: CacheBackend;
  beforeEach(async () => {
    server = await startRedis();
    admin = new Redis({ ...server });
    backend = await openRedisSet(redisOptions({ addresses: [server] }));
    for (const partitionKey of ['reg*ion', 'regxion']) {
      await backend.registerPartitionKey(partitionKey, 'integer');
      await backend.put(sampleEntry(keys, { partitionKey }));
    }
    expect(await backend.count('reg*ion')).toBe(1);
    await admin.del(index);
    await backend.put(sampleEntry(keys, { partitionKey: 'reg*ion', text: 'b' }));
  });

  afterEach(async () => {
    await backend[Symbol.asyncDispose]();
    admin.disconnect();
    await server[Symbol.asyncDispose]();
  });

  test('all entries are listed', async () => {
    expect(await backend.count('reg*ion')).toBe(2);
    expect(await backend.count('regxion')).toBe(1);
  });

  test('all entries are dropped: none comes back with its partition key', async () => {
    expect(await backend.dropPartitionKey('reg*ion')).toBe(2);
    await backend.registerPartitionKey('reg*ion', 'integer');
    expect(await backend.get('reg*ion', a)).toBeUndefined();
    expect((await backend.get('regxion', a))?.keyCount).toBe(2);
  });

  test('all entries are invalidated', async () => {
    expect(await invalidate(backend, { kind: 'partitionKey', partitionKey: 'reg*ion' })).toBe(2);
    expect(await backend.describe('reg*ion', a)).toBeUndefined();
  });

  test('something else of that name does not hide them', async () => {
    await admin.set(index, 'something else');
    expect(await backend.count('reg*ion')).toBe(2);
  });

  test('who does not know an entry hears of it when anybody reads it', async () => {
    await using other = await openRedisSet(redisOptions({ addresses: [server] }));
    const directory = new Directory();
    other.subscribe((change) => directory.apply(change));
    expect((await backend.describe('reg*ion', a))?.keyCount).toBe(2);
    await until('it is known', () => directory.get('reg*ion', a) !== undefined);
    expect(await admin.zscore(index, a)).not.toBeNull();
  });
});
