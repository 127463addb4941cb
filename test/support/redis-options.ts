import type { RedisOptions } from '../../src/cache/backends/redis/redis-backend';
import { RedisConnections, type RedisTarget } from '../../src/cache/backends/redis/redis-connections';

/** Options of a backend in the Redis at these addresses; of a single server, unless the target says otherwise. */
export function redisOptions(
  target: Pick<RedisTarget, 'addresses'> & Partial<RedisTarget>,
  options: Partial<Omit<RedisOptions, 'connections'>> = {},
): RedisOptions {
  const connections = new RedisConnections(
    {
      kind: 'single',
      sentinelName: undefined,
      username: undefined,
      password: undefined,
      database: 0,
      tls: undefined,
      commandTimeoutMs: 5_000,
      ...target,
    },
    () => undefined,
  );
  return { connections, keyPrefix: 'pcache:', ttlMs: undefined, warn: () => undefined, ...options };
}
