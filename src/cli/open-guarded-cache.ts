import { bitCapabilities } from '../cache/bit-capabilities';
import type { CacheCapabilities } from '../cache/cache-backend';
import type { CacheEvents } from '../cache/cache-events';
import { cacheTypes, isForOneProcess } from '../cache/cache-types';
import { GuardedBackend } from '../cache/guarded-backend';
import type { CacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { CacheMetrics } from '../ops/metrics/cache-metrics';
import { atMostLongest } from '../postgres/deadline';
import type { ServerTls } from '../postgres/server-tls';
import { openCacheBackend } from './open-cache-backend';
import { BorrowedCache } from './workers/borrowed-cache';
import type { Channel } from './workers/channel';

/** A statement does not wait as long; by then a store that lives has answered, though it may have much to do. */
const overdueTimes = 5;

/**
 * Opens the store of key sets for a proxy, which relays whether the store answers or not; the caller disposes of it. Rejects with
 * StartError if the store answers and cannot be used.
 *
 * @param overseer from which a store is borrowed that only one process can have open
 */
export function openGuardedCache(
  config: CacheConfig,
  serverTls: ServerTls | undefined,
  metrics: CacheMetrics,
  log: Log,
  overseer?: Channel,
): Promise<GuardedBackend> {
  const cacheLog = log.child({ part: 'cache', backend: config.backend });
  const events = cacheEvents(metrics, cacheLog);
  const options = {
    name: config.backend,
    capabilities: capabilitiesOf(config),
    overdueMs: atMostLongest(overdueTimes * config.deadlineMs),
  };
  if (overseer === undefined || !isForOneProcess(config.backend))
    return GuardedBackend.open({
      ...{ ...options, events },
      open: () => openCacheBackend(config, serverTls, log),
    });
  return GuardedBackend.open({
    ...options,
    // Counted where the store is open, for all who ask it.
    events: { ...events, ended: () => undefined },
    open: () => BorrowedCache.open(overseer, { warn: (message, cause) => events.trouble(message, cause) }),
  });
}

/** Of the store as it is configured, open or not. */
function capabilitiesOf({ backend, bits }: CacheConfig): CacheCapabilities {
  if (backend.endsWith('_bit')) return bitCapabilities(bits);
  return { keyTypes: new Set(cacheTypes[backend]) };
}

function cacheEvents(metrics: CacheMetrics, log: Log): CacheEvents {
  return {
    ended: (operation, outcome, seconds) => metrics.ended(operation, outcome, seconds),
    away: (reason) => {
      metrics.setAway(true);
      log.warn({ reason }, 'the cache does not answer; statements go as they came until it does');
    },
    back: (awayMs) => {
      metrics.setAway(false);
      log.info({ awayMs }, 'the cache answers again');
    },
    trouble: (message, cause) => log.warn(cause === undefined ? {} : { err: cause }, message),
  };
}
