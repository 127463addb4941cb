import { RedisConnections } from '../cache/backends/redis/redis-connections';
import type { CacheWarning } from '../cache/cache-warning';
import type { CacheRedisConfig } from '../ops/config/pcache-config';
import { loadRedisTls } from './load-tls';

/** Connections to the Redis a cache is in; nothing is connected yet. Throws StartError for files of TLS that cannot be used. */
export function openRedisConnections(redis: CacheRedisConfig, warn: CacheWarning): RedisConnections {
  const { kind, addresses, sentinelName, database, commandTimeoutMs } = redis;
  const [{ host }] = addresses;
  return new RedisConnections(
    {
      kind,
      addresses,
      sentinelName,
      username: redis.user,
      password: redis.password?.reveal(),
      database,
      tls: loadRedisTls(redis.tls, host),
      commandTimeoutMs,
    },
    warn,
  );
}
