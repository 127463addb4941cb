import { waitUntil } from '../../../postgres/deadline';
import type { ProxyControl } from '../../control/proxy-control';
import type { MetricReading } from '../../metrics/metric-reading';
import type { Metrics } from '../../metrics/metrics';
import type { History, HistorySample } from '../../statistics/history';
import type { DatabaseKeyHeat } from '../../statistics/key-statistics';
import type { DatabaseShape } from '../../statistics/statement-statistics';
import type { Readiness, ReadinessReport } from '../readiness';
import type { PageQuery } from './page-query';

/** What the page is made from. All lent. */
export interface PageSources {
  readonly version: string;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly history: History;
  /** Names of the databases under `databases`. */
  readonly databases: () => readonly string[];
  /** undefined while the proxy is starting. */
  readonly control: () => ProxyControl | undefined;
  /** Whether there is a token with which the mode can be changed. */
  readonly canChange: boolean;
}

/** Everything that a page shows, as of one moment. */
export interface PageData {
  readonly nowMs: number;
  readonly version: string;
  readonly uptimeMs: number;
  readonly databases: readonly string[];
  readonly mode: ProxyControl['mode'] | undefined;
  readonly population: ProxyControl['population'] | undefined;
  readonly canChange: boolean;
  readonly readiness: ReadinessReport;
  readonly reading: MetricReading;
  readonly shapes: readonly DatabaseShape[];
  readonly samples: readonly HistorySample[];
  readonly keys: readonly DatabaseKeyHeat[];
}

/** Checks may take longer than anybody waits for a page. */
const readinessMs = 400;

const metricNames = [
  'pcache_statements_total',
  'pcache_rewrite_outcome_total',
  'pcache_blocks_total',
  'pcache_connections',
  'pcache_keys_kept_ratio',
  'pcache_restricted_statements_total',
  'pcache_plan_seconds',
  'pcache_directory_entries',
  'pcache_key_set_bytes',
  'pcache_entry_age_seconds',
  'pcache_exact_entries',
  'pcache_change_log_rows',
  'pcache_queue_length',
  'pcache_statement_queue_length',
  'pcache_queue_oldest_seconds',
  'pcache_population_runs_total',
  'pcache_population_running',
  'pcache_population_seconds',
  'pcache_verifications_total',
  'pcache_cache_away',
  'pcache_process_resident_memory_bytes',
];

/** Resolves within a second: what takes longer is left out, as it is of a scrape. */
export async function gatherPageData(sources: PageSources, { range }: PageQuery): Promise<PageData> {
  const { version, metrics, readiness, history, databases, control, canChange } = sources;
  const late: ReadinessReport = {
    ready: false,
    degraded: false,
    reasons: [{ check: 'all', reason: 'they take long' }],
  };
  const [reading, report] = await Promise.all([
    metrics.refresh().then(() => metrics.read(metricNames)),
    waitUntil(readiness.report(), { timeoutMs: readinessMs }, () => Promise.resolve(readiness.last ?? late)),
  ]);
  return {
    nowMs: Date.now(),
    version,
    uptimeMs: process.uptime() * 1_000,
    databases: databases(),
    mode: control()?.mode,
    population: control()?.population,
    canChange,
    readiness: report,
    reading,
    shapes: metrics.statements.shapes(),
    samples: history.samples(range),
    keys: metrics.keys.partitionKeys(),
  };
}
