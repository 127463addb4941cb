import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { waitUntil } from '../../postgres/deadline';
import { populationBuckets } from './durations';
import { Watched } from './watched';

/** The facts the metrics take of a finished run. */
export interface FinishedPopulation {
  readonly status: string;
  readonly seconds: number;
}

/** Work in a tier of a queue by what is to become of it. */
export interface QueueState {
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  readonly dead: number;
  /** Age of the oldest that waits, in milliseconds; absent if none does. */
  readonly oldestMs?: number;
}

export const queueTiers = ['original_query_queue', 'query_fragment_queue'] as const;
export type QueueTier = (typeof queueTiers)[number];

interface ReadTier {
  readonly tier: QueueTier;
  readonly state: QueueState;
}

/** Less than a scrape may take as a whole. */
const readTimeoutMs = 700;

const queueStates = [
  'waiting',
  'delayed',
  'running',
  'dead',
] as const satisfies readonly (keyof QueueState)[];

/**
 * Counts what the populations of all databases report. It has the shape of population's own PopulationEvents without
 * importing it: ops stands below.
 */
export class PopulationMetrics {
  readonly #runs: Counter<'status'>;
  readonly #skipped: Counter<'reason'>;
  readonly #troubles: Counter;
  readonly #seconds: Histogram;
  readonly #queues = new Watched<{ readonly tier: QueueTier; readonly read: () => Promise<QueueState> }>();
  /** What the gauges of one scrape share. */
  #reading: Promise<readonly ReadTier[]> | undefined;
  #running = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#runs = new Counter({
      name: 'pcache_population_runs_total',
      help: 'Fragments run, by how they ended.',
      labelNames: ['status'],
      registers,
    });
    // Rates are computed from differences: the first failure must have a zero before it.
    for (const status of ['ok', 'timeout', 'too_large', 'failed']) this.#runs.inc({ status }, 0);
    this.#skipped = new Counter({
      name: 'pcache_population_skipped_total',
      help: 'Fragments that were wanted but not run, by why.',
      labelNames: ['reason'],
      registers,
    });
    this.#troubles = new Counter({
      name: 'pcache_population_troubles_total',
      help: 'Times the queue or the cache could not be used; see the log.',
      registers,
    });
    this.#seconds = new Histogram({
      name: 'pcache_population_seconds',
      help: 'Time fragments ran.',
      buckets: populationBuckets,
      registers,
    });
    const running = (): number => this.#running;
    new Gauge({
      name: 'pcache_population_running',
      help: 'Fragments that run in this process at this moment.',
      registers,
      collect() {
        this.set(running());
      },
    });
    const states = (): Promise<readonly ReadTier[]> => this.#readQueuesOnce();
    const addLengths = (of: QueueTier, name: string, what: string): void => {
      new Gauge({
        name,
        help: `${what} in the queue, by what is to become of them.`,
        labelNames: ['state'],
        aggregator: 'first',
        registers,
        async collect() {
          const all = (await states()).filter(({ tier }) => tier === of);
          for (const each of queueStates) {
            const length = all.reduce((sum, { state }) => sum + state[each], 0);
            this.set({ state: each }, length);
          }
        },
      });
    };
    addLengths('query_fragment_queue', 'pcache_queue_length', 'Fragments');
    addLengths('original_query_queue', 'pcache_statement_queue_length', 'Statements of the first tier');
    new Gauge({
      name: 'pcache_queue_oldest_seconds',
      help: 'How long the oldest work that waits has been in the queue, by tier; 0 if none waits.',
      labelNames: ['tier'],
      aggregator: 'first',
      registers,
      async collect() {
        const all = await states();
        for (const tier of queueTiers) {
          const own = all.filter((each) => each.tier === tier);
          this.set({ tier }, Math.max(0, ...own.map(({ state }) => state.oldestMs ?? 0)) / 1_000);
        }
      },
    });
  }

  started(): void {
    this.#running += 1;
  }

  finished({ status, seconds }: FinishedPopulation): void {
    this.#running -= 1;
    this.#runs.inc({ status });
    this.#seconds.observe(seconds);
  }

  skipped(_fragment: object, reason: string): void {
    this.#skipped.inc({ reason });
  }

  trouble(): void {
    this.#troubles.inc();
  }

  /** Has a queue's lengths read at each scrape, until it is disposed of; those of several are added up. */
  watchQueue(tier: QueueTier, read: () => Promise<QueueState>): AsyncDisposable {
    return this.#queues.add({ tier, read });
  }

  #readQueuesOnce(): Promise<readonly ReadTier[]> {
    this.#reading ??= this.#readQueues().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** A queue that cannot be read, or not soon, is counted as trouble and left out; it must not take all other metrics with it. */
  async #readQueues(): Promise<readonly ReadTier[]> {
    const results = await Promise.allSettled(
      [...this.#queues.all].map(async ({ tier, read }) => ({
        tier,
        state: await waitUntil(read(), { timeoutMs: readTimeoutMs }, () =>
          Promise.reject(new Error('it takes too long')),
        ),
      })),
    );
    const read = results.filter((result) => result.status === 'fulfilled');
    this.#troubles.inc(results.length - read.length);
    return read.map(({ value }) => value);
  }
}
