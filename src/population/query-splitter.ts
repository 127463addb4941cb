import { ControlQueryError } from '../errors/control-query-error';
import { pause } from '../postgres/deadline';
import type { Fragment } from '../query/fragment/fragment';
import { backoffMs } from './backoff';
import type { PopulationEvents } from './population-events';
import { HeldLease } from './queue/held-lease';
import type { OriginalQuery } from './queue/work-kind';
import type { WorkLease, WorkQueue } from './queue/work-queue';

/** What a statement comes to: its fragments, or why there will never be any. */
export type SplitQuery = { readonly fragments: readonly Fragment[] } | { readonly refused: string };

export interface QuerySplitterOptions {
  /** Both lent, not owned. */
  readonly queries: WorkQueue<OriginalQuery>;
  readonly fragments: Pick<WorkQueue<Fragment>, 'lengths'>;
  /** Rejects while it cannot be told, as the database is away. */
  readonly split: (query: OriginalQuery) => Promise<SplitQuery>;
  /** Queues what is worth running. Rejects if the queue cannot be reached. */
  readonly push: (fragments: readonly Fragment[], priority: number) => Promise<void>;
  readonly events: PopulationEvents;
  /** While more fragments than that are waiting, statements are left where they are. Default: no limit. */
  readonly maxPending?: number;
}

/** Between looks whether there is room for more fragments. */
const roomPauseMs = 500;
const outageBackoff = { firstMs: 500, maxMs: 5_000 };

/**
 * The first tier of the queue: takes statements, one at a time, and puts their fragments into the second. A statement is taken off only when its
 * fragments are there, so that none is lost; one that is no SQL, or has no fragments, becomes a dead letter with the reason.
 */
export class QuerySplitter implements AsyncDisposable {
  readonly #stopping = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(private readonly options: QuerySplitterOptions) {}

  start(): void {
    this.#work = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { queries, events } = this.options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!this.#isStopped()) {
      try {
        if (await this.#hasRoom()) {
          const lease = await queries.claim(signal);
          if (lease !== undefined) await this.#handle(lease);
        } else await pause(roomPauseMs, signal);
        failures = 0;
      } catch (error) {
        if (this.#isStopped()) return;
        failures += 1;
        events.trouble('statements in the queue could not be read', error);
        await pause(backoffMs(outageBackoff, failures), signal);
      }
    }
  }

  /** A method, since it changes while something is waited for. */
  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #hasRoom(): Promise<boolean> {
    const { fragments, maxPending } = this.options;
    return maxPending === undefined || (await fragments.lengths()).waiting <= maxPending;
  }

  /** Rejects if the queue or the database cannot be reached; the statement is then in the queue as before. */
  async #handle(lease: WorkLease<OriginalQuery>): Promise<void> {
    const { queries, split, push, events } = this.options;
    using held = new HeldLease(queries, lease, this.#stopping.signal, (message, error) =>
      events.trouble(message, error),
    );
    try {
      const found = await split(lease.work);
      if (held.isLost) return;
      if ('refused' in found) {
        await queries.bury(lease, found.refused);
        return;
      }
      await push(found.fragments, lease.priority);
      await queries.complete(lease);
    } catch (error) {
      if (error instanceof ControlQueryError) {
        // Perhaps for its settings, perhaps not: attempts are counted.
        await queries.fail(lease, error.message);
        return;
      }
      await queries.release(lease, outageBackoff.firstMs);
      throw error;
    }
  }
}
