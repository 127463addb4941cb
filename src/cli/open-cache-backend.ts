import type { CacheBackend } from '../cache/cache-backend';
import type { CacheWarning } from '../cache/cache-warning';
import { MemoryBackend } from '../cache/backends/memory';
import {
  openPostgresqlArray,
  openPostgresqlBit,
  openPostgresqlRoaringbit,
} from '../cache/backends/postgresql';
import { openRedisBit, openRedisRoaringbit, openRedisSet } from '../cache/backends/redis';
import { openRocksdbBit } from '../cache/backends/rocksdb-bit';
import { openRocksdbSet } from '../cache/backends/rocksdb-set';
import { openRocksdict } from '../cache/backends/rocksdict';
import { openRocksdictRoaringbit } from '../cache/backends/rocksdict-roaringbit';
import { assertNever } from '../errors/assert-never';
import type { CacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { ServerTls } from '../postgres/server-tls';
import { openCachePool } from './open-cache-pool';
import { openRedisConnections } from './open-redis-connections';

/**
 * Opens the store of key sets the configuration names; the caller disposes of it. Rejects with StartError if it cannot
 * be used as it is, with CacheUnavailableError if it does not answer.
 */
export async function openCacheBackend(
  config: CacheConfig,
  serverTls: ServerTls | undefined,
  log: Log,
): Promise<CacheBackend> {
  const { backend, path, bits } = config;
  const cacheLog = log.child({ part: 'cache', backend });
  const warn: CacheWarning = (message, cause) => {
    cacheLog.warn(cause === undefined ? {} : { err: cause }, message);
  };
  const inPostgresql = () => ({
    pool: openCachePool(config.postgresql, serverTls),
    schema: config.postgresql,
    warn,
  });
  const inRedis = () => ({
    connections: openRedisConnections(config.redis, warn),
    keyPrefix: config.redis.keyPrefix,
    ttlMs: config.redis.ttlMs,
    warn,
  });
  switch (backend) {
    case 'postgresql_array':
      return openPostgresqlArray(inPostgresql());
    case 'postgresql_bit':
      return openPostgresqlBit({ ...inPostgresql(), bits });
    case 'postgresql_roaringbit':
      return openPostgresqlRoaringbit(inPostgresql());
    case 'redis_set':
      return openRedisSet(inRedis());
    case 'redis_bit':
      return openRedisBit({ ...inRedis(), bits });
    case 'redis_roaringbit':
      return openRedisRoaringbit(inRedis());
    case 'rocksdb_set':
      return openRocksdbSet({ path, warn });
    case 'rocksdb_bit':
      return openRocksdbBit({ path, bits, warn });
    case 'rocksdict':
      return openRocksdict({ path, warn });
    case 'rocksdict_roaringbit':
      return openRocksdictRoaringbit({ path, warn });
    case 'memory':
      return new MemoryBackend({ warn });
    default:
      return assertNever(backend, 'cache backend');
  }
}
