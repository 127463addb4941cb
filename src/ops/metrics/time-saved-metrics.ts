import { Counter, type Registry } from 'prom-client';
import type { TimeSaved } from '../statistics/statement-statistics';

/** Reads what restrictions saved and cost at each scrape. Two counters, since one may only grow. */
export function addTimeSavedMetrics(registry: Registry, read: () => TimeSaved): void {
  new Counter({
    name: 'pcache_time_saved_seconds_total',
    help: 'By how much less time restricted statements took than the median of the last unrestricted ones of their shape: an estimate.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read().savedMs / 1_000);
    },
  });
  new Counter({
    name: 'pcache_time_lost_seconds_total',
    help: 'By how much more time others took; with what was spent on restricted forms that were given up. What was saved in all is the difference.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read().lostMs / 1_000);
    },
  });
}
