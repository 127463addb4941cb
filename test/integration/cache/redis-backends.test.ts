import { openRedisBit, openRedisRoaringbit, openRedisSet } from '../../../src/cache/backends/redis';
import type { RedisOptions } from '../../../src/cache/backends/redis/redis-backend';
import { RedisConnections } from '../../../src/cache/backends/redis/redis-connections';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { Redis } from 'ioredis';
import { type BackendUnderTest, describeCacheBackend } from '../../support/cache-backend-conformance';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';

const bits = 100_000;

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

(hasRedis ? describe : describe.skip)('in a single Redis (skipped where there is no redis-server)', () => {
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
    const open = (): Promise<CacheBackend> => {
      const connections = new RedisConnections(
        {
          kind: 'single',
          addresses: [server],
          sentinelName: undefined,
          username: undefined,
          password: undefined,
          database: 0,
          tls: undefined,
          commandTimeoutMs: 5_000,
        },
        () => undefined,
      );
      return openWith({ connections, keyPrefix: 'pcache:', ttlMs: undefined, warn: () => undefined });
    };
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
