import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** Node's own figures (CPU, memory, garbage collection, event-loop lag) and the version that runs. */
export function addProcessMetrics(registry: Registry, version: string): void {
  collectDefaultMetrics({ register: registry, prefix: 'pcache_' });
  new Gauge({
    name: 'pcache_build_info',
    help: 'Always 1; its label tells the version that runs.',
    labelNames: ['version'],
    aggregator: 'first',
    registers: [registry],
  }).set({ version }, 1);
}
