import { Registry } from 'prom-client';
import { EngineMetrics } from './engine-metrics';
import { PopulationMetrics } from './population-metrics';
import { addProcessMetrics } from './process-metrics';
import { ProxyMetrics } from './proxy-metrics';
import { addTrafficMetrics, type Traffic } from './traffic-metrics';

export interface MetricsOptions {
  readonly version: string;
}

/** All metrics of one process, in a registry of their own: nothing is added to prom-client's global one. */
export class Metrics {
  readonly #registry = new Registry();
  readonly proxy: ProxyMetrics;
  readonly engine: EngineMetrics;
  readonly population: PopulationMetrics;

  constructor({ version }: MetricsOptions) {
    this.proxy = new ProxyMetrics(this.#registry);
    this.engine = new EngineMetrics(this.#registry);
    this.population = new PopulationMetrics(this.#registry);
    addProcessMetrics(this.#registry, version);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Has the proxy's running totals read at each scrape; once for each process. */
  watchTraffic(read: () => Traffic): void {
    addTrafficMetrics(this.#registry, read);
  }

  /** Everything in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
