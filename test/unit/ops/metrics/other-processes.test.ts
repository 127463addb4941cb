import { lasting } from '../../../../src/ops/metrics/aggregate';
import { Metrics } from '../../../../src/ops/metrics/metrics';
import type { ProcessReport } from '../../../../src/ops/metrics/other-processes';

const version = '1';
const finished = { reason: undefined, elapsedMs: 3, method: 'inArray', keysKeptShare: 0.5 } as const;

/** A worker that has run so many statements, half of them restricted. */
function busy(statements: number): Metrics {
  const metrics = new Metrics({ version });
  for (let i = 0; i < statements; i++)
    metrics.proxy.statementFinished({
      ...finished,
      plan: i % 2 === 0 ? 'rewrite' : 'forward',
      outcome: 'complete',
      ...(i % 2 === 0 ? {} : { reason: 'miss', method: undefined }),
    } as never);
  metrics.proxy.connectionOpened();
  metrics.watchTraffic(() => ({ bytesFromClients: statements, bytesFromUpstream: 2 * statements }));
  return metrics;
}

/** Metrics of a process that oversees others, as they cross to it. */
function overseer(reports: () => readonly Promise<ProcessReport>[]): Metrics {
  const metrics = new Metrics({ version });
  let known: readonly ProcessReport[] = [];
  metrics.watchOthers({
    get reports() {
      return known;
    },
    refresh: async () => {
      known = structuredClone(await Promise.all(reports()));
    },
  });
  return metrics;
}

describe('metrics of several processes', () => {
  test('are the sums of what each counted, in text and in a reading', async () => {
    const workers = [busy(4), busy(6)];
    const metrics = overseer(() => workers.map((worker) => worker.report(false)));
    const text = await metrics.text();
    expect(text).toContain('pcache_statements_total{outcome="hit"} 5');
    expect(text).toContain('pcache_statements_total{outcome="miss"} 5');
    expect(text).toContain('pcache_connections 2');
    expect(text).toContain('pcache_relayed_bytes_total{side="upstream"} 20');
    expect(text).toContain('pcache_statement_seconds_count{form="restricted"} 5');
    expect(text).toContain('pcache_statement_seconds_bucket{le="+Inf",form="restricted"} 5');
    expect(text).toContain('pcache_build_info{version="1"} 1');
    const reading = await metrics.read(['pcache_statements_total', 'pcache_statement_seconds']);
    expect(reading.sum('pcache_statements_total', { outcome: 'hit' })).toBe(5);
    expect(reading.quantile('pcache_statement_seconds', 0.5)).toBeGreaterThan(0);
    expect(reading.sum('pcache_connections')).toBe(0);
  });

  test('have every metric there is, each once', async () => {
    const alone = busy(2);
    const metrics = overseer(() => [busy(2).report(false)]);
    const namesOf = (text: string): string[] =>
      [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name).sort();
    const names = namesOf(await metrics.text());
    expect(new Set(names).size).toBe(names.length);
    // When a process was started is of no use for several.
    const expected = namesOf(await alone.text()).filter(
      (name) => name !== 'pcache_process_start_time_seconds',
    );
    expect(names).toEqual(expected);
  });

  test('of what is the same for all are those of the one that oversees', async () => {
    const worker = busy(1);
    worker.engine.watchDirectory(() => directoryOf(7));
    const metrics = overseer(() => [worker.report(false)]);
    metrics.engine.watchDirectory(() => directoryOf(3));
    const text = await metrics.text();
    expect(text).toContain('pcache_directory_entries{partition_key="region",status="ok"} 3');
    expect(text).toContain('pcache_key_set_bytes 10');
    expect((await worker.report(true)).metrics.map(({ name }) => name)).not.toContain(
      'pcache_directory_entries',
    );
  });

  test('keep of processes that have ended what they counted, and no more', async () => {
    const ended = busy(6);
    const one = structuredClone(await ended.report(false));
    const twice = await lasting([one.metrics, await lasting([one.metrics])]);
    const metrics = overseer(() => [
      Promise.resolve({ metrics: twice, statements: [], keys: [] }),
      busy(4).report(false),
    ]);
    const text = await metrics.text();
    expect(text).toContain('pcache_statements_total{outcome="hit"} 8');
    expect(text).toContain('pcache_statement_seconds_count{form="restricted"} 8');
    expect(text).toContain('pcache_connections_total 3');
    expect(text).toContain('pcache_connections 1');
  });
});

function directoryOf(entries: number) {
  return {
    entries: [{ partitionKey: 'region', status: 'ok', count: entries }],
    keySetBytes: entries,
    ages: { count: entries, sumMs: 0, firstMs: 0 },
  } as never;
}
