import { Counter, type Registry } from 'prom-client';

export interface Traffic {
  readonly bytesFromClients: number;
  readonly bytesFromUpstream: number;
}

/** Counts relayed bytes by reading the proxy's running totals at each scrape, so that the data path adds nothing. */
export function addTrafficMetrics(registry: Registry, read: () => Traffic): void {
  new Counter({
    name: 'pcache_relayed_bytes_total',
    help: 'Bytes relayed, by the side they came from.',
    labelNames: ['side'],
    registers: [registry],
    collect() {
      const { bytesFromClients, bytesFromUpstream } = read();
      this.reset();
      this.inc({ side: 'client' }, bytesFromClients);
      this.inc({ side: 'upstream' }, bytesFromUpstream);
    },
  });
}
