import type { Metrics } from '../metrics/metrics';
import type { HistoryValues } from './history';

const metricNames = ['pcache_statements_total', 'pcache_exact_entries', 'pcache_change_log_rows'];

/** What the history keeps, as of now. */
export async function readHistoryValues(metrics: Metrics): Promise<HistoryValues> {
  const reading = await metrics.read(metricNames);
  const of = (outcome: string): number => reading.sum('pcache_statements_total', { outcome });
  const hits = of('hit') + of('partial');
  const exact = reading.sum('pcache_exact_entries');
  return {
    hits,
    wanted: hits + of('miss') + of('fallback'),
    statements: reading.sum('pcache_statements_total'),
    ...metrics.statements.timeSaved,
    // Without exact keys nothing is tracked, and the gauge says 0 all the same.
    changedKeys: exact === 0 ? undefined : reading.sum('pcache_change_log_rows'),
    staleShare: exact === 0 ? undefined : reading.sum('pcache_exact_entries', { state: 'stale' }) / exact,
  };
}
