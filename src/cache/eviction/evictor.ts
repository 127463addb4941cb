import { pause } from '../../postgres/deadline';
import type { CacheBackend } from '../cache-backend';
import { evictEntries, type EvictionReport } from './evict-entries';
import { type EvictionLimits, hasLimit } from './eviction-policy';

export interface EvictorOptions {
  /** Lent, not owned. */
  readonly backend: CacheBackend;
  readonly limits: EvictionLimits;
  /** Between the end of a run and the begin of the next. */
  readonly intervalMs: number;
  readonly onRun: (report: EvictionReport) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Evicts from time to time, until it is disposed of. Several of them over one cache do no harm: each looks at what is there. */
export class Evictor implements AsyncDisposable {
  readonly #stopping = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(private readonly options: EvictorOptions) {}

  start(): void {
    if (hasLimit(this.options.limits)) this.#work = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { backend, limits, intervalMs, onRun, onTrouble } = this.options;
    const { signal } = this.#stopping;
    for (;;) {
      // First: a proxy that starts has better things to do.
      await pause(intervalMs, signal);
      if (signal.aborted) return;
      try {
        onRun(await evictEntries(backend, limits, { signal }));
      } catch (error) {
        onTrouble(error);
      }
    }
  }
}
