import { Registry } from 'prom-client';
import { aggregate, type MetricReport } from './aggregate';
import { CacheMetrics } from './cache-metrics';
import { EngineMetrics } from './engine-metrics';
import { FreshnessMetrics } from './freshness-metrics';
import { MetricReading } from './metric-reading';
import type { OtherProcesses, ProcessReport } from './other-processes';
import { PopulationMetrics } from './population-metrics';
import { addProcessMetrics } from './process-metrics';
import { ProxyMetrics } from './proxy-metrics';
import { KeyStatistics } from '../statistics/key-statistics';
import { StatementStatistics } from '../statistics/statement-statistics';
import { addTimeSavedMetrics } from './time-saved-metrics';
import { WorkerMetrics } from './worker-metrics';
import { addTrafficMetrics, type Traffic } from './traffic-metrics';

export interface MetricsOptions {
  readonly version: string;
}

export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** All metrics of one process, in a registry of their own: nothing is added to prom-client's global one. */
export class Metrics {
  readonly #registry = new Registry();
  readonly proxy: ProxyMetrics;
  readonly cache: CacheMetrics;
  readonly engine: EngineMetrics;
  readonly population: PopulationMetrics;
  readonly freshness: FreshnessMetrics;
  readonly workers: WorkerMetrics;
  /** What is known of statements by their shape: no metrics, for shapes are no closed set. */
  readonly statements = new StatementStatistics();
  readonly keys = new KeyStatistics();
  #others: OtherProcesses | undefined;

  constructor({ version }: MetricsOptions) {
    this.proxy = new ProxyMetrics(this.#registry);
    this.cache = new CacheMetrics(this.#registry);
    this.engine = new EngineMetrics(this.#registry);
    this.population = new PopulationMetrics(this.#registry);
    this.freshness = new FreshnessMetrics(this.#registry);
    this.workers = new WorkerMetrics(this.#registry);
    addTimeSavedMetrics(this.#registry, () => this.statements.ownTimeSaved);
    addProcessMetrics(this.#registry, version);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Has the proxy's running totals read at each scrape; once for each process. */
  watchTraffic(read: () => Traffic): void {
    addTrafficMetrics(this.#registry, read);
  }

  /** From now on, what is read is of this process and the others. */
  watchOthers(others: OtherProcesses): void {
    this.#others = others;
    this.statements.watchOthers(() => others.reports.flatMap(({ statements }) => statements));
    this.keys.watchOthers(() => others.reports.flatMap(({ keys }) => keys));
  }

  /** To be awaited before statements and keys are read, which are as of the last time where there are other processes. Never rejects. */
  async refresh(): Promise<void> {
    await this.#others?.refresh(true);
  }

  /** What this process has to report to another one that shows it with its own. */
  async report(isThorough: boolean): Promise<ProcessReport> {
    const shared = this.#registry.getMetricsAsArray().filter(({ aggregator }) => aggregator !== 'first');
    return {
      metrics: await this.#own(shared.map(({ name }) => name)),
      statements: this.statements.report(isThorough),
      keys: isThorough ? this.keys.partitionKeys() : [],
    };
  }

  /** What metrics there are, for documentation. */
  async describe(): Promise<readonly MetricDescription[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    return metrics
      .map(({ name, help, type }) => ({ name, help, type: String(type), labels: this.#labelsOf(name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Some of them by their names, without those that nobody needs now; what takes a look elsewhere is looked up. */
  async read(names: readonly string[]): Promise<MetricReading> {
    const [own, others] = await Promise.all([this.#own(names), this.#ofOthers()]);
    const wanted = new Set(names);
    const all = [own, ...others.map((report) => report.filter(({ name }) => wanted.has(name)))];
    const metrics = others.length === 0 ? own : await aggregate(all).getMetricsAsJSON();
    return new MetricReading(
      metrics.flatMap((metric) =>
        metric.values.map(({ labels, value, ...each }) => ({
          // Of a histogram, its parts have names of their own.
          metric: 'metricName' in each ? each.metricName : metric.name,
          labels: Object.fromEntries(Object.entries(labels).map(([label, of]) => [label, of ?? ''])),
          value,
        })),
      ),
    );
  }

  async #own(names: readonly string[]): Promise<MetricReport[]> {
    const metrics = await Promise.all(names.map(async (name) => this.#registry.getSingleMetric(name)?.get()));
    return metrics.filter((metric) => metric !== undefined);
  }

  async #ofOthers(): Promise<readonly (readonly MetricReport[])[]> {
    const others = this.#others;
    if (others === undefined) return [];
    await others.refresh(false);
    return others.reports.map(({ metrics }) => metrics);
  }

  /** prom-client keeps the names of labels where its types do not show them. */
  #labelsOf(name: string): readonly string[] {
    const metric: object | undefined = this.#registry.getSingleMetric(name);
    const labels: unknown = metric !== undefined && 'labelNames' in metric ? metric.labelNames : [];
    return Array.isArray(labels) ? labels.map(String) : [];
  }

  /** Everything in Prometheus' text format. */
  async text(): Promise<string> {
    if (this.#others === undefined) return this.#registry.metrics();
    const [own, others] = await Promise.all([this.#registry.getMetricsAsJSON(), this.#ofOthers()]);
    return aggregate([own, ...others]).metrics();
  }
}
