import { Counter, Gauge, type Registry } from 'prom-client';

/** Of the processes that serve clients, where there are several. */
export class WorkerMetrics {
  readonly #restarts: Counter;
  #count: () => number = () => 0;

  constructor(registry: Registry) {
    this.#restarts = new Counter({
      name: 'pcache_worker_restarts_total',
      help: 'Workers that ended, or were killed for giving no sign of life, and were replaced.',
      registers: [registry],
    });
    const count = (): number => this.#count();
    new Gauge({
      name: 'pcache_workers',
      help: 'Workers that take clients; 0 where one process does everything.',
      aggregator: 'first',
      registers: [registry],
      collect() {
        this.set(count());
      },
    });
  }

  restarted(): void {
    this.#restarts.inc();
  }

  /** Has the number of those that take clients read at each scrape. */
  watch(count: () => number): void {
    this.#count = count;
  }
}
