import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { planBuckets } from './durations';

/** What is known of cached fragments at one moment. */
export interface DirectoryState {
  /** Entries of one partition key, by status (ok, timeout, …). */
  readonly entries: Iterable<{
    readonly partitionKey: string;
    readonly status: string;
    readonly count: number;
  }>;
  /** Memory that the key sets at hand take. */
  readonly keySetBytes: number;
}

/** Measures the engines of all databases together. */
export class EngineMetrics {
  readonly #planSeconds: Histogram;
  readonly #verifications: Counter;
  readonly #directories: (() => DirectoryState)[] = [];

  constructor(registry: Registry) {
    const registers = [registry];
    this.#planSeconds = new Histogram({
      name: 'pcache_plan_seconds',
      help: 'Time to decide about one execution of a candidate statement, without fetching key sets.',
      buckets: planBuckets,
      registers,
    });
    this.#verifications = new Counter({
      name: 'pcache_verifications_total',
      help: 'Restricted statements that were run again in both forms (mode: verify), by what came of it.',
      labelNames: ['outcome'],
      registers,
    });
    const states = (): DirectoryState[] => this.#directories.map((read) => read());
    new Gauge({
      name: 'pcache_directory_entries',
      help: 'Fragments known, by partition key and by how their computation ended.',
      labelNames: ['partition_key', 'status'],
      registers,
      collect() {
        this.reset();
        for (const { entries } of states()) {
          for (const { partitionKey, status, count } of entries) {
            this.inc({ partition_key: partitionKey, status }, count);
          }
        }
      },
    });
    new Gauge({
      name: 'pcache_key_set_bytes',
      help: 'Memory taken by key sets at hand.',
      registers,
      collect() {
        this.set(states().reduce((sum, { keySetBytes }) => sum + keySetBytes, 0));
      },
    });
  }

  /** A plan was made; called on the data path. */
  planned(elapsedMs: number): void {
    this.#planSeconds.observe(elapsedMs / 1000);
  }

  /** A restricted statement was verified, or was to be. */
  verified(outcome: 'same' | 'different' | 'unstable' | 'failed'): void {
    this.#verifications.inc({ outcome });
  }

  /** Has a directory read at each scrape; entries of several directories are added up. */
  watchDirectory(read: () => DirectoryState): void {
    this.#directories.push(read);
  }
}
