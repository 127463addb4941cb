import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CacheOperation, CacheOutcome } from '../../cache/cache-events';
import type { EvictionReport } from '../../cache/eviction/evict-entries';
import { statementBuckets } from './durations';

/** Measures the store of key sets. */
export class CacheMetrics {
  readonly #operations: Counter<'operation' | 'outcome'>;
  readonly #seconds: Histogram<'operation'>;
  readonly #isAway: Gauge;
  readonly #evicted: Counter<'reason'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#operations = new Counter({
      name: 'pcache_cache_operations_total',
      help: 'Operations on the cache: ok, failed (the store did not answer), refused (it was not asked, because it is away).',
      labelNames: ['operation', 'outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'pcache_cache_seconds',
      help: 'Time operations on the cache took, those that were refused not included; of a list, each part of it.',
      labelNames: ['operation'],
      buckets: statementBuckets,
      registers,
    });
    this.#isAway = new Gauge({
      name: 'pcache_cache_away',
      help: 'Whether the cache does not answer: 1 from then until it answers again.',
      aggregator: 'max',
      registers,
    });
    this.#evicted = new Counter({
      name: 'pcache_cache_evictions_total',
      help: 'Entries this process removed because of the limits under eviction: age, partition_key (the limits of each one), total (those of all together).',
      labelNames: ['reason'],
      registers,
    });
  }

  evicted({ byReason }: EvictionReport): void {
    for (const [reason, count] of Object.entries(byReason))
      if (count > 0) this.#evicted.inc({ reason }, count);
  }

  ended(operation: CacheOperation, outcome: CacheOutcome, seconds: number): void {
    this.#operations.inc({ operation, outcome });
    if (outcome !== 'refused') this.#seconds.observe({ operation }, seconds);
  }

  setAway(isAway: boolean): void {
    this.#isAway.set(isAway ? 1 : 0);
  }
}
