import { join } from 'node:path';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { migrate } from '../../../src/postgres/migrations';
import {
  cacheTypeNames,
  cacheTypes,
  describeCacheTypes,
  listCacheTypes,
} from '../../../src/cache/cache-types';
import { openCacheBackend } from '../../../src/cli/open-cache-backend';
import { openCachePool } from '../../../src/cli/open-cache-pool';
import { StartError } from '../../../src/errors/start-error';
import type { CacheConfig } from '../../../src/ops/config/pcache-config';
import { readConfig } from '../../../src/ops/config/read-config';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { Secret } from '../../../src/ops/config/secret';
import { createLog } from '../../../src/ops/log/create-log';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { descriptionOf, sampleEntry } from '../../support/cache-entries';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

const log = createLog({ level: 'silent', format: 'json', sql: false });

describe('openCacheBackend', () => {
  let server: PostgresServer;
  let redisServer: RedisServer | undefined;
  let directory: TemporaryDirectory;
  let config: Omit<CacheConfig, 'backend'>;
  beforeAll(async () => {
    server = await startPostgres();
    redisServer = hasRedis ? await startRedis() : undefined;
    directory = await temporaryDirectory('cache');
    const database = await server.createDatabase();
    const postgresql = {
      ...server.connectionOptions(database),
      password: new Secret(server.connectionOptions(database).password),
      schema: 'pcache',
      tablePrefix: 'cache_',
      mayStoreInPlace: true,
    };
    const redis: CacheConfig['redis'] = {
      ...readConfig('mode: on', { source: 'test', environment: {}, workingDirectory: '/' }).cache.redis,
      addresses: [redisServer ?? { host: '127.0.0.1', port: 6379 }],
    };
    config = { path: directory.path, bits: 1024, deadlineMs: 20, postgresql, redis };
    await using pool = openCachePool(postgresql, undefined);
    await migrate(pool, cacheMigrations(postgresql));
  });
  afterAll(async () => {
    await directory[Symbol.asyncDispose]();
    await server.stop();
    await redisServer?.[Symbol.asyncDispose]();
  });

  const openable = cacheTypeNames.filter((name) => hasRedis || !name.startsWith('redis_'));
  test.each(openable)('opens %s, which holds what the configuration says it holds', async (name) => {
    const path = join(directory.path, name);
    await using backend = await openCacheBackend({ ...config, backend: name, path }, undefined, log);
    expect(backend.name).toBe(name);
    expect([...backend.capabilities.keyTypes].sort()).toEqual([...cacheTypes[name]].sort());
    const { datatypes, readsInPlace, populatesInPlace } = describeCacheTypes()[name];
    expect([datatypes, listCacheTypes()[name]]).toEqual([cacheTypes[name], cacheTypes[name]]);
    // No server of the tests has pg_roaringbitmap.
    expect([readsInPlace, populatesInPlace].map((ability) => ability === 'yes')).toEqual([
      backend.lazy?.([descriptionOf(sampleEntry(createKeySet('integer', [1n])))]) !== undefined,
      backend.inPlace !== undefined,
    ]);
  });

  test('refuses: a directory that is in use', async () => {
    const rocksdb = { ...config, backend: 'rocksdb_set', path: join(directory.path, 'used') } as const;
    await using _first = await openCacheBackend(rocksdb, undefined, log);
    const second = openCacheBackend(rocksdb, undefined, log);
    await expect(second).rejects.toBeInstanceOf(StartError);
    await expect(second).rejects.toThrow(/in use by .*stop what uses it, or set another cache\.path/);
  });

  test('refuses: a schema that is not set up, and says what to run', async () => {
    const postgresql = { ...config.postgresql, schema: 'elsewhere' };
    const opening = openCacheBackend({ ...config, backend: 'postgresql_bit', postgresql }, undefined, log);
    await expect(opening).rejects.toBeInstanceOf(StartError);
    await expect(opening).rejects.toThrow(/0001-entries is missing.*run: pcache manage setup/);
  });

  test('refuses: a password that is wrong, as what waiting does not mend', async () => {
    const postgresql = { ...config.postgresql, user: 'nobody', password: new Secret('wrong') };
    const opening = openCacheBackend({ ...config, backend: 'postgresql_array', postgresql }, undefined, log);
    await expect(opening).rejects.toBeInstanceOf(StartError);
  });

  test('refuses: a server that is not there, as what can be tried again', async () => {
    const postgresql = { ...config.postgresql, port: 1 };
    const opening = openCacheBackend({ ...config, backend: 'postgresql_array', postgresql }, undefined, log);
    await expect(opening).rejects.toMatchObject({
      name: 'CacheUnavailableError',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
