import { Redis } from 'ioredis';
import { openRedisBit, openRedisRoaringbit, openRedisSet } from '../../../src/cache/backends/redis';
import type { RedisOptions } from '../../../src/cache/backends/redis/redis-backend';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { type BackendUnderTest, describeCacheBackend } from '../../support/cache-backend-conformance';
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster';
import { redisOptions } from '../../support/redis-options';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';

const bits = 100_000;
const describeThere = hasRedis ? describe : describe.skip;

type Subject = Pick<BackendUnderTest, 'name' | 'keyTypes' | 'integerRange'> & {
  readonly openWith: (options: RedisOptions) => Promise<CacheBackend>;
};
const subjects: readonly Subject[] = [
  { name: 'redis_set', keyTypes: ['integer', 'text'], openWith: openRedisSet },
  {
    name: 'redis_bit',
    keyTypes: ['integer'],
    integerRange: { min: 0n, max: BigInt(bits) - 1n },
    openWith: (options) => openRedisBit({ ...options, bits }),
  },
  { name: 'redis_roaringbit', keyTypes: ['integer'], openWith: openRedisRoaringbit },
];

describeThere('in a single Redis (skipped where there is no redis-server)', () => {
  let server: RedisServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.port, server.host);
  });
  afterAll(async () => {
    admin.disconnect();
    await server[Symbol.asyncDispose]();
  });

  for (const { openWith, ...subject } of subjects) {
    const open = (): Promise<CacheBackend> => openWith(redisOptions({ addresses: [server] }));
    describeCacheBackend({
      ...subject,
      open: async () => {
        await admin.flushall();
        return open();
      },
      reopen: open,
    });
  }
});

describeThere('in a Redis Cluster of three nodes (skipped where there is no redis-server)', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  for (const { openWith, ...subject } of subjects) {
    const open = (): Promise<CacheBackend> =>
      openWith(redisOptions({ kind: 'cluster', addresses: cluster.nodes }));
    describeCacheBackend({
      ...subject,
      open: async () => {
        await cluster.flush();
        return open();
      },
      reopen: open,
    });
  }
});
