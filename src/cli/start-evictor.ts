import type { CacheBackend } from '../cache/cache-backend';
import { Evictor } from '../cache/eviction/evictor';
import type { EvictionRunner } from '../ops/config/eviction-schema';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { CacheMetrics } from '../ops/metrics/cache-metrics';

/** Has this process evict, if the configuration wants it of one of its kind; the caller disposes of it, before the backend. */
export function startEvictor(
  { eviction }: PcacheConfig,
  runner: EvictionRunner,
  backend: CacheBackend,
  metrics: CacheMetrics,
  log: Log,
): Evictor {
  const { runBy, limits, intervalMs } = eviction;
  const own = log.child({ part: 'eviction' });
  const evictor = new Evictor({
    backend,
    limits,
    intervalMs,
    onRun: (report) => {
      metrics.evicted(report);
      const { evicted, evictedBytes, entries, bytes } = report;
      if (evicted > 0) own.info({ evicted, evictedBytes, entries, bytes }, 'entries evicted');
    },
    onTrouble: (error) => own.warn({ err: error }, 'eviction did not come to its end'),
  });
  if (runBy === runner) evictor.start();
  return evictor;
}
