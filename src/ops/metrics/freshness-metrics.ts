import { Counter, Gauge, type Registry } from 'prom-client';
import { waitUntil } from '../../postgres/deadline';
import { Watched } from './watched';

/** What the change logs of a database hold; the wing below has it. */
export interface ChangeLogState {
  readonly changes: number;
  readonly oldestMs: number | undefined;
}

/** Entries of keys that are to be exact, as of the last look at all of them. */
export interface ExactEntries {
  readonly entries: number;
  readonly stale: number;
}

const readTimeoutMs = 700;

/** Measures how far what is known lags behind the data. It makes no answer wrong: statements look up for themselves what changed. */
export class FreshnessMetrics {
  readonly #logs = new Watched<() => Promise<ChangeLogState | undefined>>();
  readonly #entries = new Watched<() => ExactEntries | undefined>();
  readonly #troubles: Counter;
  /** What the gauges of one scrape share. */
  #reading: Promise<readonly ChangeLogState[]> | undefined;

  constructor(registry: Registry) {
    const registers = [registry];
    const logs = (): Promise<readonly ChangeLogState[]> => this.#readOnce();
    new Gauge({
      name: 'pcache_change_log_rows',
      help: 'Changed keys in the change logs of all databases: those that some entry may not have seen, and those not yet removed.',
      aggregator: 'first',
      registers,
      async collect() {
        this.set((await logs()).reduce((sum, { changes }) => sum + changes, 0));
      },
    });
    new Gauge({
      name: 'pcache_change_log_age_seconds',
      help: 'How old the oldest change in a change log is at least, as far back as this process has looked; 0 if there is none.',
      aggregator: 'first',
      registers,
      async collect() {
        this.set(Math.max(0, ...(await logs()).map(({ oldestMs }) => oldestMs ?? 0)) / 1_000);
      },
    });
    this.#troubles = new Counter({
      name: 'pcache_change_log_unread_total',
      help: 'Times a change log could not be read for these metrics in time.',
      registers,
    });
    const looks = (): ExactEntries[] => [...this.#entries.all].flatMap((read) => read() ?? []);
    new Gauge({
      name: 'pcache_exact_entries',
      help:
        'Entries of keys that are kept exact, as of the last look at all of them: current, or stale (more than freshness.refresh_changes ' +
        'keys have changed since, or it cannot be used: it is to be brought up to date). Absent where this process does not refresh entries.',
      labelNames: ['state'],
      aggregator: 'first',
      registers,
      collect() {
        this.reset();
        for (const { entries, stale } of looks()) {
          this.inc({ state: 'current' }, entries - stale);
          this.inc({ state: 'stale' }, stale);
        }
      },
    });
  }

  /** Has a database's change logs read at each scrape, until it is disposed of. */
  watchLog(read: () => Promise<ChangeLogState | undefined>): AsyncDisposable {
    return this.#logs.add(read);
  }

  watchEntries(read: () => ExactEntries | undefined): AsyncDisposable {
    return this.#entries.add(read);
  }

  #readOnce(): Promise<readonly ChangeLogState[]> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** A log that cannot be read, or not soon, is left out; it must not take all other metrics with it. */
  async #read(): Promise<readonly ChangeLogState[]> {
    const results = await Promise.allSettled(
      [...this.#logs.all].map((read) =>
        waitUntil(read(), { timeoutMs: readTimeoutMs }, () => Promise.reject(new Error('it takes too long'))),
      ),
    );
    const read = results.filter((result) => result.status === 'fulfilled');
    this.#troubles.inc(results.length - read.length);
    return read.flatMap(({ value }) => value ?? []);
  }
}
