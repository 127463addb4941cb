import type { Metrics } from '../metrics/metrics';
import type { HistoryValues } from './history';

const cheap = ['pcache_statements_total', 'pcache_exact_entries'];
const changeLog = 'pcache_change_log_rows';

/**
 * What the history keeps, as of now.
 *
 * @param before has the changed keys, if the logs are not to be looked at; they are in the databases
 */
export async function readHistoryValues(metrics: Metrics, before?: HistoryValues): Promise<HistoryValues> {
  const isKnown = before?.changedKeys !== undefined;
  const reading = await metrics.read(isKnown ? cheap : [...cheap, changeLog]);
  const of = (outcome: string): number => reading.sum('pcache_statements_total', { outcome });
  const hits = of('hit') + of('partial');
  const exact = reading.sum('pcache_exact_entries');
  return {
    hits,
    wanted: hits + of('miss') + of('fallback'),
    statements: reading.sum('pcache_statements_total'),
    ...metrics.statements.timeSaved,
    // Without exact keys nothing is tracked, and the gauge says 0 all the same.
    changedKeys: exact === 0 ? undefined : (before?.changedKeys ?? reading.sum(changeLog)),
    staleShare: exact === 0 ? undefined : reading.sum('pcache_exact_entries', { state: 'stale' }) / exact,
  };
}
