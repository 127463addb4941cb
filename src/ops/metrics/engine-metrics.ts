import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { DataPathHistogram, type ObservedDurations } from './data-path-histogram';
import { planBuckets } from './durations';
import { Watched } from './watched';

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
  /** Usable entries, and when they were made: the sum of the times and the first of them, in milliseconds since 1970. */
  readonly ages: { readonly count: number; readonly sumMs: number; readonly firstMs: number };
}

/** What a statement goes through until it is sent, where that is not known from before. The engine's steps, without importing them. */
export const planSteps = ['parse', 'analyse', 'look_up', 'fetch', 'rewrite'] as const;
export type PlanStep = (typeof planSteps)[number];

/** Measures the engines of all databases together. */
export class EngineMetrics {
  readonly #planSeconds: Histogram;
  readonly #steps: ReadonlyMap<PlanStep, ObservedDurations>;
  readonly #verifications: Counter;
  readonly #directories = new Watched<() => DirectoryState>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#planSeconds = new Histogram({
      name: 'pcache_plan_seconds',
      help: 'Time to decide about one execution of a candidate statement, without fetching key sets.',
      buckets: planBuckets,
      registers,
    });
    const stepSeconds = new DataPathHistogram({
      name: 'pcache_plan_step_seconds',
      help: 'Time of the steps of looking into statements, where one is taken: most executions need none of them, since the result is known. fetch: waiting for key sets from the cache.',
      label: 'step',
      values: planSteps,
      buckets: planBuckets,
      registers,
    });
    this.#steps = new Map(planSteps.map((step) => [step, stepSeconds.of(step)]));
    this.#verifications = new Counter({
      name: 'pcache_verifications_total',
      help: 'Restricted statements that were run again in both forms (mode: verify), by what came of it.',
      labelNames: ['outcome'],
      registers,
    });
    // Rates are computed from differences: the first one that differs must have a zero before it.
    for (const outcome of ['same', 'different', 'unstable', 'failed'])
      this.#verifications.inc({ outcome }, 0);
    const states = (): DirectoryState[] => [...this.#directories.all].map((read) => read());
    new Gauge({
      name: 'pcache_directory_entries',
      help: 'Fragments known, by partition key and by how their computation ended.',
      labelNames: ['partition_key', 'status'],
      aggregator: 'first',
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
    new Gauge({
      name: 'pcache_entry_age_seconds',
      help: 'How long ago usable entries were computed, or brought up to date: mean, and of the oldest; 0 if there are none.',
      labelNames: ['of'],
      aggregator: 'first',
      registers,
      collect() {
        const ages = states().map((state) => state.ages);
        const count = ages.reduce((sum, each) => sum + each.count, 0);
        const sumMs = ages.reduce((sum, each) => sum + each.sumMs, 0);
        const now = Date.now();
        const firstMs = Math.min(now, ...ages.map((each) => each.firstMs));
        this.set({ of: 'mean' }, count === 0 ? 0 : Math.max(0, now - sumMs / count) / 1_000);
        this.set({ of: 'oldest' }, (now - firstMs) / 1_000);
      },
    });
  }

  /** A plan was made; called on the data path. */
  planned(elapsedMs: number): void {
    this.#planSeconds.observe(elapsedMs / 1000);
  }

  /** Takes a step and measures it; a promise until it settles. */
  step<T>(step: PlanStep, take: () => T): T {
    const startedAt = performance.now();
    const end = (): void => this.#steps.get(step)?.observe((performance.now() - startedAt) / 1_000);
    let isGoingOn = false;
    try {
      const result = take();
      if (!(result instanceof Promise)) return result;
      isGoingOn = true;
      void result.then(end, end);
      return result;
    } finally {
      if (!isGoingOn) end();
    }
  }

  /** A restricted statement was verified, or was to be. */
  verified(outcome: 'same' | 'different' | 'unstable' | 'failed'): void {
    this.#verifications.inc({ outcome });
  }

  /** Has a directory read at each scrape, until it is disposed of; entries of several directories are added up. */
  watchDirectory(read: () => DirectoryState): AsyncDisposable {
    return this.#directories.add(read);
  }
}
