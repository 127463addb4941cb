import type { CacheBackend, CacheEntry, EntryOrigin } from '../cache/cache-backend';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { KeyOutOfRangeError } from '../errors/key-out-of-range-error';
import { messageOf } from '../errors/message-of';
import type { SeenBy } from '../freshness/combine-stamps';
import { byOrigin, staleEntries, type Stale } from '../freshness/stale-entries';
import type { ControlPool } from '../postgres/control-pool';
import { pause } from '../postgres/deadline';
import type { FragmentHash } from '../query/fragment/fragment';
import { type Backoff, backoffMs } from './backoff';
import type { FragmentOutcome, FragmentSource } from './fragment-source';
import type { PopulationEvents } from './population-events';
import { defaultRetryPolicy } from './retry-policy';
import { entryOfRun } from './run-entry';
import type { PostgresqlSource } from './sources/postgresql';

/** What is asked of an entry, without its keys. */
export interface RefreshableEntry {
  readonly partitionKey: string;
  readonly hash: FragmentHash;
  readonly snapshot: string | undefined;
  /** Absent: it is from when the data was promised not to change, and of no use any more. */
  readonly origin?: EntryOrigin;
}

type StampedEntry = RefreshableEntry & SeenBy;

export interface RefresherOptions {
  /** All lent, not owned. */
  readonly pool: ControlPool;
  readonly source: PostgresqlSource;
  /** What runs fragments that have to be run as a whole, if that is another source. */
  readonly whole?: FragmentSource;
  readonly backend: CacheBackend;
  readonly events: PopulationEvents;
  /** Where the change logs are. */
  readonly schema: string;
  /** The entries there are of keys that are to be exact. */
  readonly entries: () => Iterable<RefreshableEntry>;
  /** Changed keys that an entry may leave to statements to look up. */
  readonly maxChanged: number;
  /** Between looks, in milliseconds. */
  readonly checkMs: number;
  /** Whether there is to be no work at the moment. */
  readonly isPaused?: () => boolean;
  /** After attempts to bring an entry up to date that came to nothing. Default: that of fragments that fail. */
  readonly backoff?: Backoff;
}

/** Attempts in a row that came to nothing, and when the next one may be, by performance.now. */
interface Failures {
  readonly count: number;
  readonly retryAtMs: number;
}

/** What a look at all entries found. */
export interface RefresherLook {
  readonly entries: number;
  /** Those that were to be brought up to date. */
  readonly stale: number;
}

/** Entries asked about at once. */
const batchSize = 200;
/** For each millisecond of work so many are waited, so that a database that changes fast has time for its clients. */
const restShare = 4;

/**
 * Brings entries up to date that too much has changed since, one at a time: only the keys that changed are looked at again (rule F6). What is of no
 * use any more is run as a whole. That an entry is stale makes no answer wrong: statements look up for themselves what it has not seen.
 */
export class Refresher implements AsyncDisposable {
  #lastLook: RefresherLook | undefined;
  readonly #stopping = new AbortController();
  /** By entry, of those there are. */
  #failures = new Map<string, Failures>();
  #work: Promise<void> = Promise.resolve();

  constructor(private readonly options: RefresherOptions) {}

  start(): void {
    this.#work = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  /** What the last look that went through found; undefined before it. */
  get lastLook(): RefresherLook | undefined {
    return this.#lastLook;
  }

  /** One look at all entries; resolves to the number of those that were brought up to date or removed. */
  async refresh(): Promise<number> {
    const { pool, schema, maxChanged, entries } = this.options;
    let refreshed = 0;
    const all = [...entries()];
    this.#forgetOthers(all);
    const unstamped = all.filter((each) => !isStamped(each));
    let stale = unstamped.length;
    for (const entry of unstamped) {
      if (this.#isStopped()) return refreshed;
      if (await this.#andRest(() => this.#refresh({ entry, isUnusable: true }))) refreshed++;
    }
    for (const group of byOrigin(all.filter(isStamped))) {
      for (let from = 0; from < group.length && !this.#isStopped(); from += batchSize) {
        const [first, ...others] = group.slice(from, from + batchSize);
        if (first === undefined) break;
        const found = await this.#andRest(() => staleEntries(pool, schema, [first, ...others], maxChanged));
        stale += found.length;
        for (const each of found) {
          if (this.#isStopped()) return refreshed;
          if (await this.#andRest(() => this.#refresh(each))) refreshed++;
        }
      }
    }
    if (!this.#isStopped()) this.#lastLook = { entries: all.length, stale };
    return refreshed;
  }

  async #andRest<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await work();
    await pause(restShare * (performance.now() - startedAt), this.#stopping.signal);
    return result;
  }

  /** A method, since it changes while something is waited for. */
  #isStopped(): boolean {
    return this.#stopping.signal.aborted || this.options.isPaused?.() === true;
  }

  async #run(): Promise<void> {
    const { events, checkMs } = this.options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await pause(checkMs, signal);
      if (this.#isStopped()) continue;
      try {
        await this.refresh();
      } catch (error) {
        if (!this.#isStopped()) events.trouble('entries could not be brought up to date', error);
      }
    }
  }

  async #refresh({ entry, isUnusable }: Stale<RefreshableEntry>): Promise<boolean> {
    const { backend } = this.options;
    const { partitionKey, hash } = entry;
    const failures = this.#failures.get(nameOf(entry));
    if (failures !== undefined && performance.now() < failures.retryAtMs) return false;
    const outcome = await this.#attempt({ entry, isUnusable });
    if (outcome === undefined || outcome.status === 'ok' || outcome.status === 'stored') {
      this.#failures.delete(nameOf(entry));
      return outcome !== undefined;
    }
    const hasFailed = outcome.status !== 'aborted' && outcome.status !== 'unavailable';
    // Of no use where it is, and in the way of being learned again.
    if (isUnusable && hasFailed) return backend.delete(partitionKey, hash);
    // The next look would find it just as stale, and come to the same.
    if (hasFailed || (outcome.status === 'unavailable' && outcome.hasStarted)) this.#noteFailure(entry);
    return false;
  }

  /** undefined if there is no such entry. Rejects if the cache cannot be reached: what is wrong with one entry is no reason to leave out the others. */
  async #attempt({
    entry: { partitionKey, hash },
    isUnusable,
  }: Stale<RefreshableEntry>): Promise<FragmentOutcome | undefined> {
    const { whole, events } = this.options;
    try {
      if (isUnusable && whole !== undefined) return await this.#runWhole(whole, partitionKey, hash);
      return (await this.#renewInPlace(partitionKey, hash)) ?? (await this.#renewHere(partitionKey, hash));
    } catch (error) {
      if (error instanceof CacheUnavailableError) throw error;
      if (!(error instanceof KeyOutOfRangeError))
        events.trouble(`entry ${hash} could not be brought up to date`, error);
      return { status: 'failed', error: messageOf(error) };
    }
  }

  #noteFailure(entry: RefreshableEntry): void {
    const count = (this.#failures.get(nameOf(entry))?.count ?? 0) + 1;
    const retryAtMs = performance.now() + backoffMs(this.options.backoff ?? defaultRetryPolicy, count);
    this.#failures.set(nameOf(entry), { count, retryAtMs });
  }

  #forgetOthers(entries: readonly RefreshableEntry[]): void {
    if (this.#failures.size === 0) return;
    const names = new Set(entries.map(nameOf));
    this.#failures = new Map([...this.#failures].filter(([name]) => names.has(name)));
  }

  /** undefined if it cannot be, or there is no such entry. */
  async #renewInPlace(partitionKey: string, hash: FragmentHash): Promise<FragmentOutcome | undefined> {
    const { backend, source } = this.options;
    if (!source.isInPlace) return undefined;
    const known = await backend.describe(partitionKey, hash);
    return known === undefined ? undefined : source.renewInPlace(known, this.#stopping.signal);
  }

  async #renewHere(partitionKey: string, hash: FragmentHash): Promise<FragmentOutcome | undefined> {
    const { backend, source } = this.options;
    const entry = await backend.get(partitionKey, hash);
    if (entry === undefined) return undefined;
    const outcome = await source.run(entry.fragment, this.#stopping.signal, entry);
    if (outcome.status === 'ok') await backend.put(this.#renewed(entry, outcome));
    return outcome;
  }

  async #runWhole(
    source: FragmentSource,
    partitionKey: string,
    hash: FragmentHash,
  ): Promise<FragmentOutcome | undefined> {
    const { backend } = this.options;
    const entry = await backend.get(partitionKey, hash);
    if (entry === undefined) return undefined;
    const outcome = await source.run(entry.fragment, this.#stopping.signal);
    if (outcome.status === 'ok') await backend.put(this.#renewed(entry, outcome));
    return outcome;
  }

  /** What it took to compute it is what it would take without it. */
  #renewed(entry: CacheEntry, outcome: Parameters<typeof entryOfRun>[1]): CacheEntry {
    const { computeMs, lastUsedAt } = entry;
    return {
      ...entryOfRun(entry.fragment, outcome, { failuresBefore: 0, computeMs, now: Date.now() }),
      lastUsedAt,
    };
  }
}

function nameOf({ partitionKey, hash }: RefreshableEntry): string {
  return `${hash} ${partitionKey}`;
}

function isStamped(entry: RefreshableEntry): entry is StampedEntry {
  return entry.snapshot !== undefined && entry.origin !== undefined;
}
