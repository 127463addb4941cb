import { parseMetrics } from '../../test/support/prometheus-text';
import type { BenchProxy } from '../bench-proxy';

/** What a process takes, as it says itself. Bytes. */
export interface Footprint {
  readonly resident: number;
  readonly heapUsed: number;
  /** Of several looks, when least was in use: what is left by collections. */
  readonly leastHeapUsed: number;
  readonly openFiles: number;
}

export async function footprintOf(proxy: BenchProxy): Promise<Footprint> {
  const metrics = parseMetrics(await proxy.metrics());
  const value = (name: string): number => metrics.get(name) ?? NaN;
  const heapUsed = value('pcache_nodejs_heap_size_used_bytes');
  return {
    resident: value('pcache_process_resident_memory_bytes'),
    heapUsed,
    leastHeapUsed: heapUsed,
    openFiles: value('pcache_process_open_fds'),
  };
}

/** The most of each. */
export function worstOf(footprints: readonly Footprint[]): Footprint {
  const most = (key: keyof Footprint): number => Math.max(...footprints.map((each) => each[key]));
  return {
    resident: most('resident'),
    heapUsed: most('heapUsed'),
    leastHeapUsed: Math.min(...footprints.map(({ leastHeapUsed }) => leastHeapUsed)),
    openFiles: most('openFiles'),
  };
}
