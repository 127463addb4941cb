import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CacheOperation, CacheOutcome } from '../../cache/cache-events';
import { statementBuckets } from './durations';

/** Measures the store of key sets. */
export class CacheMetrics {
  readonly #operations: Counter<'operation' | 'outcome'>;
  readonly #seconds: Histogram<'operation'>;
  readonly #isAway: Gauge;

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
      registers,
    });
  }

  ended(operation: CacheOperation, outcome: CacheOutcome, seconds: number): void {
    this.#operations.inc({ operation, outcome });
    if (outcome !== 'refused') this.#seconds.observe({ operation }, seconds);
  }

  setAway(isAway: boolean): void {
    this.#isAway.set(isAway ? 1 : 0);
  }
}
