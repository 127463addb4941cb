import { register } from 'prom-client';
import { Metrics } from '../../../../src/ops/metrics/metrics';
import { type FinishedStatement } from '../../../../src/ops/metrics/proxy-metrics';
import { type PopulationEvents } from '../../../../src/population/population-events';
import { type ProxyEvents } from '../../../../src/proxy/proxy-events';
import { malformedMetrics, parseMetrics } from '../../../support/prometheus-text';

function createMetrics(): Metrics {
  return new Metrics({ version: '1.2.3' });
}

async function read(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  return parseMetrics(await metrics.text());
}

const forwarded: FinishedStatement = {
  plan: 'forward',
  reason: 'view',
  outcome: 'complete',
  elapsedMs: 3,
};
const rewritten: FinishedStatement = {
  plan: 'rewrite',
  reason: undefined,
  outcome: 'complete',
  elapsedMs: 3,
};

describe('Metrics', () => {
  test('every metric is ours by name and says what it is', async () => {
    const text = await createMetrics().text();
    const names = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)];
    expect(names.length).toBeGreaterThan(30);
    for (const [, name, help] of names) {
      expect(name).toMatch(/^pcache_/);
      expect(help).not.toBe('');
    }
  });

  test('every sample belongs to a metric that was announced, and histograms add up', async () => {
    const metrics = createMetrics();
    metrics.engine.planned(0.2);
    metrics.engine.step('parse', () => undefined);
    metrics.cache.ended('get', 'ok', 0.003);
    metrics.proxy.statementFinished(forwarded);
    metrics.proxy.statementFinished({ ...rewritten, method: 'inline', keysKeptShare: 0.02 });
    metrics.population.finished({ status: 'ok', seconds: 3 });
    expect(malformedMetrics(await metrics.text())).toEqual([]);
    const values = await read(metrics);
    expect(values.get('pcache_keys_kept_ratio_bucket{le="0.01",method="inline"}')).toBe(0);
    expect(values.get('pcache_keys_kept_ratio_bucket{le="0.025",method="inline"}')).toBe(1);
  });

  test('two of them share nothing, nor with the global registry', async () => {
    const before = await register.metrics();
    const [a, b] = [createMetrics(), createMetrics()];
    a.proxy.connectionOpened();
    expect((await read(a)).get('pcache_connections')).toBe(1);
    expect((await read(b)).get('pcache_connections')).toBe(0);
    expect(await register.metrics()).toBe(before);
  });

  test('has the figures of the process, its event loop and its version', async () => {
    const values = await read(createMetrics());
    expect(values.get('pcache_process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(values.has('pcache_nodejs_eventloop_lag_p99_seconds')).toBe(true);
    expect(values.get('pcache_build_info{version="1.2.3"}')).toBe(1);
  });

  test('reads the relayed bytes at each scrape', async () => {
    const metrics = createMetrics();
    const traffic = { bytesFromClients: 1, bytesFromUpstream: 2 };
    metrics.watchTraffic(() => traffic);
    await read(metrics);
    traffic.bytesFromClients = 10;
    const values = await read(metrics);
    expect(values.get('pcache_relayed_bytes_total{side="client"}')).toBe(10);
    expect(values.get('pcache_relayed_bytes_total{side="upstream"}')).toBe(2);
  });
});

describe('ProxyMetrics', () => {
  test('has the shape of what the proxy reports to', () => {
    const events: ProxyEvents = createMetrics().proxy;
    expect(events).toBeDefined();
  });

  test('counts connections that are open, were opened and were closed', async () => {
    const metrics = createMetrics();
    metrics.proxy.connectionOpened();
    metrics.proxy.connectionOpened();
    metrics.proxy.connectionClosed('client');
    const values = await read(metrics);
    expect(values.get('pcache_connections')).toBe(1);
    expect(values.get('pcache_connections_total')).toBe(2);
    expect(values.get('pcache_connections_closed_total{end="client"}')).toBe(1);
  });

  test.each<[string, FinishedStatement, string, string, string]>([
    ['a restricted statement', rewritten, 'hit', 'rewritten', 'none'],
    ['one restricted in part', { ...rewritten, coverage: 'partial' }, 'partial', 'rewritten', 'none'],
    [
      'one nothing is cached for',
      { ...forwarded, reason: 'nothing cached' },
      'miss',
      'bypassed',
      'nothing cached',
    ],
    ['one that is not ours to change', forwarded, 'bypass', 'bypassed', 'view'],
    [
      'one whose restricted form failed',
      { ...rewritten, outcome: 'fellBack' },
      'fallback',
      'fallback',
      'none',
    ],
    // Anybody can make up texts; a series for each would be a leak.
    ['a reason nobody declared', { ...forwarded, reason: "select 'x'" }, 'bypass', 'bypassed', 'other'],
  ])('counts %s', async (_title, statement, outcome, rewrite, reason) => {
    const metrics = createMetrics();
    metrics.proxy.statementFinished(statement);
    const values = await read(metrics);
    const counted = [...values].filter(
      ([series, value]) => value > 0 && /^pcache_(statements|rewrite_outcome)_total/.test(series),
    );
    expect(counted).toEqual([
      [`pcache_statements_total{outcome="${outcome}"}`, 1],
      [`pcache_rewrite_outcome_total{outcome="${rewrite}",reason="${reason}"}`, 1],
    ]);
  });

  test('counts statements that were none of the engine’s business once, however often it is read', async () => {
    const metrics = createMetrics();
    metrics.proxy.statementPassed();
    metrics.proxy.statementPassed();
    await read(metrics);
    metrics.proxy.statementPassed();
    const values = await read(metrics);
    expect(values.get('pcache_statements_total{outcome="bypass"}')).toBe(3);
    expect(values.get('pcache_rewrite_outcome_total{outcome="bypassed",reason="not a candidate"}')).toBe(3);
  });

  test('measures statements by the form sent, leaving out those that failed', async () => {
    const metrics = createMetrics();
    metrics.proxy.statementFinished(forwarded);
    metrics.proxy.statementFinished(rewritten);
    metrics.proxy.statementFinished({ ...rewritten, outcome: 'failed', elapsedMs: 60_000 });
    const values = await read(metrics);
    expect(values.get('pcache_statement_seconds_count{form="direct"}')).toBe(1);
    expect(values.get('pcache_statement_seconds_sum{form="restricted"}')).toBe(0.003);
    expect(values.get('pcache_statement_seconds_bucket{le="0.0025",form="direct"}')).toBe(0);
    expect(values.get('pcache_statement_seconds_bucket{le="0.005",form="direct"}')).toBe(1);
  });

  test('has zeros before the first statement, so that the first one shows as a rate', async () => {
    const values = await read(createMetrics());
    for (const outcome of ['hit', 'partial', 'miss', 'bypass', 'fallback']) {
      expect(values.get(`pcache_statements_total{outcome="${outcome}"}`)).toBe(0);
    }
  });

  test('counts what goes wrong', async () => {
    const metrics = createMetrics();
    metrics.proxy.protocolError('client', '08P01');
    metrics.proxy.protocolError('upstream', 'abcde');
    metrics.proxy.contextAsked('failed');
    metrics.proxy.cancelRelayed('relayed');
    metrics.proxy.engineFailed('plan');
    metrics.proxy.scanningGivenUp();
    const values = await read(metrics);
    expect(values.get('pcache_protocol_errors_total{side="client",sqlstate="08P01"}')).toBe(1);
    expect(values.get('pcache_protocol_errors_total{side="upstream",sqlstate="other"}')).toBe(1);
    expect(values.get('pcache_context_questions_total{outcome="failed"}')).toBe(1);
    expect(values.get('pcache_cancel_requests_total{outcome="relayed"}')).toBe(1);
    expect(values.get('pcache_engine_failures_total{operation="plan"}')).toBe(1);
    expect(values.get('pcache_scanning_given_up_total')).toBe(1);
  });
});

describe('EngineMetrics', () => {
  const ages = { count: 0, sumMs: 0, firstMs: Infinity };

  test('tells how old entries are', async () => {
    const metrics = createMetrics();
    expect((await read(metrics)).get('pcache_entry_age_seconds{of="oldest"}')).toBe(0);
    const now = Date.now();
    const [first, last] = [now - 7_200_000, now - 1_800_000];
    const [none, two] = [ages, { count: 2, sumMs: first + last, firstMs: first }];
    for (const each of [none, two])
      metrics.engine.watchDirectory(() => ({ entries: [], keySetBytes: 0, ages: each }));
    const values = await read(metrics);
    expect(Math.round((values.get('pcache_entry_age_seconds{of="oldest"}') ?? 0) / 60)).toBe(120);
    expect(Math.round((values.get('pcache_entry_age_seconds{of="mean"}') ?? 0) / 60)).toBe(75);
  });

  test('measures steps, those included that fail or take their time', async () => {
    const metrics = createMetrics();
    const failing = (): never => {
      throw new Error('on purpose');
    };
    expect(metrics.engine.step('analyse', () => 7)).toBe(7);
    expect(() => metrics.engine.step('rewrite', failing)).toThrow('on purpose');
    await expect(metrics.engine.step('fetch', () => Promise.resolve('sets'))).resolves.toBe('sets');
    await expect(metrics.engine.step('fetch', () => Promise.reject(new Error('away')))).rejects.toThrow();
    const values = await read(metrics);
    const count = (step: string): number | undefined =>
      values.get(`pcache_plan_step_seconds_count{step="${step}"}`);
    expect(['analyse', 'look_up', 'rewrite', 'fetch'].map(count)).toEqual([1, undefined, 1, 2]);
  });

  test('adds up the directories of all databases as they are when read', async () => {
    const metrics = createMetrics();
    let count = 1;
    const entries = () => [
      { partitionKey: 'region', status: 'ok', count },
      { partitionKey: 'region', status: 'timeout', count: 1 },
    ];
    metrics.engine.watchDirectory(() => ({ entries: entries(), keySetBytes: 100, ages }));
    metrics.engine.watchDirectory(() => ({ entries: entries(), keySetBytes: 50, ages }));
    await read(metrics);
    count = 5;
    const values = await read(metrics);
    expect(values.get('pcache_directory_entries{partition_key="region",status="ok"}')).toBe(10);
    expect(values.get('pcache_directory_entries{partition_key="region",status="timeout"}')).toBe(2);
    expect(values.get('pcache_key_set_bytes')).toBe(150);
  });

  test('measures plans', async () => {
    const metrics = createMetrics();
    metrics.engine.planned(0.2);
    const values = await read(metrics);
    expect(values.get('pcache_plan_seconds_bucket{le="0.0001"}')).toBe(0);
    expect(values.get('pcache_plan_seconds_bucket{le="0.00025"}')).toBe(1);
  });
});

describe('FreshnessMetrics', () => {
  test('adds up the change logs, and leaves out one that cannot be read or is not there', async () => {
    const metrics = createMetrics();
    metrics.freshness.watchLog(() => Promise.resolve({ changes: 3, oldestMs: 1_500 }));
    metrics.freshness.watchLog(() => Promise.resolve({ changes: 4, oldestMs: undefined }));
    metrics.freshness.watchLog(() => Promise.resolve(undefined));
    metrics.freshness.watchLog(() => Promise.reject(new Error('out of reach')));
    metrics.freshness.watchEntries(() => ({ entries: 10, stale: 2 }));
    metrics.freshness.watchEntries(() => undefined);
    const values = await read(metrics);
    expect(values.get('pcache_change_log_rows')).toBe(7);
    expect(values.get('pcache_change_log_age_seconds')).toBe(1.5);
    expect(values.get('pcache_exact_entries{state="current"}')).toBe(8);
    expect(values.get('pcache_exact_entries{state="stale"}')).toBe(2);
    expect((await read(metrics)).get('pcache_change_log_unread_total')).toBeGreaterThan(0);
  });
});

describe('time saved', () => {
  test('is that of all databases, gains and losses apart', async () => {
    const metrics = createMetrics();
    const counts = { hits: 0, partials: 0, misses: 0, bypasses: 0, fallbacks: 0, failures: 0 };
    const source = (savedMs: number, lostMs: number) => ({
      totals: { ...counts, savedMs, lostMs },
      shapes: () => [],
    });
    metrics.statements.watch('a', source(1_000, 500));
    metrics.statements.watch('b', source(3_000, 0));
    const values = await read(metrics);
    expect(values.get('pcache_time_saved_seconds_total')).toBe(4);
    expect(values.get('pcache_time_lost_seconds_total')).toBe(0.5);
  });
});

describe('PopulationMetrics', () => {
  const queue = { waiting: 3, delayed: 2, running: 1, dead: 0, oldestMs: 2_500 };

  test('has the shape of what population reports to', () => {
    const events: PopulationEvents = createMetrics().population;
    expect(events).toBeDefined();
  });

  test('counts runs and those under way', async () => {
    const metrics = createMetrics();
    metrics.population.started();
    metrics.population.started();
    metrics.population.finished({ status: 'ok', seconds: 0.02 });
    metrics.population.skipped({}, 'known');
    metrics.population.trouble();
    const values = await read(metrics);
    expect(values.get('pcache_population_running')).toBe(1);
    expect(values.get('pcache_population_runs_total{status="ok"}')).toBe(1);
    expect(values.get('pcache_population_runs_total{status="timeout"}')).toBe(0);
    expect(values.get('pcache_population_seconds_sum')).toBe(0.02);
    expect(values.get('pcache_population_skipped_total{reason="known"}')).toBe(1);
    expect(values.get('pcache_population_troubles_total')).toBe(1);
  });

  test('adds up the queues, and leaves out one that cannot be read', async () => {
    const metrics = createMetrics();
    metrics.population.watchQueue('query_fragment_queue', () => Promise.resolve(queue));
    metrics.population.watchQueue('query_fragment_queue', () => Promise.resolve(queue));
    metrics.population.watchQueue('query_fragment_queue', () => Promise.reject(new Error('out of reach')));
    const reads = jest.fn(() => Promise.resolve({ ...queue, oldestMs: 700 }));
    metrics.population.watchQueue('original_query_queue', reads);
    const values = await read(metrics);
    expect(reads).toHaveBeenCalledTimes(1);
    expect(values.get('pcache_queue_oldest_seconds{tier="query_fragment_queue"}')).toBe(2.5);
    expect(values.get('pcache_queue_oldest_seconds{tier="original_query_queue"}')).toBe(0.7);
    expect(values.get('pcache_queue_length{state="waiting"}')).toBe(6);
    expect(values.get('pcache_queue_length{state="dead"}')).toBe(0);
    await read(metrics);
    expect((await read(metrics)).get('pcache_population_troubles_total')).toBeGreaterThan(0);
  });
});
