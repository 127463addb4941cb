import type { CacheBackend, EntryDescription } from '../cache/cache-backend';
import { outOfRange, outsideOf } from '../cache/check-entry';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { KeyOutOfRangeError } from '../errors/key-out-of-range-error';
import { pause } from '../postgres/deadline';
import type { Fragment } from '../query/fragment/fragment';
import { type Backoff, backoffMs } from './backoff';
import type { FragmentOutcome, FragmentSource } from './fragment-source';
import { Gate } from './gate';
import { Pace, type PaceOptions } from './pace';
import type { PopulationEvents } from './population-events';
import { HeldLease } from './queue/held-lease';
import type { WorkLease, WorkQueue } from './queue/work-queue';
import { defaultRetryPolicy, failuresOf, isWorthRunning, type RetryPolicy } from './retry-policy';
import { entryOfRun, type SettledOutcome } from './run-entry';

export interface ObserverOptions {
  /** Queue, source and backend are lent, not owned. The fragments' partition keys must be registered with the backend. */
  readonly queue: WorkQueue<Fragment>;
  readonly source: FragmentSource;
  readonly backend: CacheBackend;
  readonly events: PopulationEvents;
  /** Fragments run at the same time. */
  readonly concurrency: number;
  readonly retryPolicy?: RetryPolicy;
  /** Whether fragments are run although their entries are there. */
  readonly isForced?: boolean;
  /** Whether a fragment that is known is run for keys that its entry has not, where the source can do that. */
  readonly isForNewKeys?: boolean;
  /** Between attempts to reach the queue, the backend or the source while it is away. */
  readonly outageBackoff?: Backoff;
  /** When fragments are begun; default: as soon as a worker is free. */
  readonly pace?: PaceOptions;
}

/** Attempts to store an entry after which it is told from a store that is away or full. */
const maxPuts = 3;

/**
 * Runs the fragments of a queue and puts their entries into a backend, until it is stopped.
 *
 * Each worker claims a fragment, leaves it if its entry says it is not worth running, runs it, and stores how that ended:
 * keys, or the failure with its count, so that it is not tried again before its back-off. Trouble that is not the
 * fragment's keeps the fragment: while the database is away it goes back to the queue uncounted, while the backend is away
 * the worker holds on to the result, as nothing else could be stored either. Only a fragment that loses its connection
 * again and again counts as failed in the end.
 *
 * The lease is extended all the while; a worker that cannot do so ends its run before another one can begin it.
 */
export class Observer implements AsyncDisposable {
  readonly #options: ObserverOptions;
  readonly #retryPolicy: RetryPolicy;
  readonly #outageBackoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #gate = new Gate();
  readonly #pace: Pace;
  /** Aborted when what is running is to end, for whatever reason. */
  #interrupting = new AbortController();
  readonly #underWay = new Set<Promise<number>>();
  #workers: readonly Promise<void>[] = [];
  /** Runs in a row that did not reach the database, over all workers. */
  #unreached = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#retryPolicy = options.retryPolicy ?? defaultRetryPolicy;
    this.#pace = new Pace(options.pace ?? { duty: 1 });
    this.#outageBackoff = options.outageBackoff ?? { firstMs: 500, maxMs: 30_000 };
  }

  /** Starts the workers; once only. */
  start(): void {
    const wasStarted = this.#workers.length > 0 || this.#stopping.signal.aborted;
    if (wasStarted) throw new Error('the observer was started before');
    this.#workers = Array.from({ length: this.#options.concurrency }, () => this.#work());
  }

  /** Cancels what is running, gives it back to the queue, and resolves when no worker is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#interrupting.abort();
    // Shut, to end the waiting for fragments; and opened again, for the workers to see that it is over.
    this.#gate.shut();
    this.#gate.open();
    await Promise.all(this.#workers);
  }

  /** What is running is finished; nothing new is begun until `resume`. */
  pause(): void {
    this.#gate.shut();
  }

  resume(): void {
    this.#gate.open();
  }

  /**
   * Cancels what is running, gives it back to the queue, and resolves when nothing of it can be stored any more. While the observer is not
   * paused it is begun again at once.
   */
  async interrupt(): Promise<void> {
    this.#interrupting.abort();
    if (!this.#stopping.signal.aborted) this.#interrupting = new AbortController();
    await Promise.allSettled(this.#underWay);
  }

  get isPaused(): boolean {
    return this.#gate.isShut;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #work(): Promise<void> {
    const { queue, events } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    for (;;) {
      await this.#gate.pass();
      if (signal.aborted) return;
      try {
        await using turn = await this.#pace.turn(signal);
        if (this.#stopping.signal.aborted) return;
        const lease = await queue.claim(this.#gate.shutSignal);
        if (lease !== undefined) {
          turn.begun();
          turn.done(await this.#noted(this.#handle(lease)));
        }
        failures = 0;
      } catch (error) {
        failures += 1;
        events.trouble('the queue of fragments does not answer', error);
        await pause(backoffMs(this.#outageBackoff, failures), this.#stopping.signal);
      }
    }
  }

  async #noted(handling: Promise<number>): Promise<number> {
    this.#underWay.add(handling);
    try {
      return await handling;
    } finally {
      this.#underWay.delete(handling);
    }
  }

  /** Ends the lease one way or the other; rejects only if the queue does. Resolves to the milliseconds the source was at work. */
  async #handle(lease: WorkLease<Fragment>): Promise<number> {
    const { queue, events } = this.#options;
    using held = new HeldLease(queue, lease, this.#interrupting.signal, (message, error) =>
      events.trouble(message, error),
    );
    try {
      return await this.#populate(lease, held.signal);
    } catch (error) {
      if (held.signal.aborted) {
        await queue.release(lease);
        return 0;
      }
      events.trouble(`fragment ${lease.work.hash} could not be populated`, error);
      await queue.fail(lease, messageOf(error));
      return 0;
    }
  }

  async #populate(lease: WorkLease<Fragment>, signal: AbortSignal): Promise<number> {
    const { queue, source, backend, events } = this.#options;
    const { work: fragment } = lease;
    const before = await this.#whileAway(() => backend.describe(fragment.partitionKey, fragment.hash));
    const isWanted = this.#options.isForced === true || isWorthRunning(before, Date.now(), this.#retryPolicy);
    if (!isWanted) {
      events.skipped(fragment, before?.status === 'ok' ? 'known' : 'failed_before');
      await queue.complete(lease);
      return 0;
    }

    const known =
      this.#options.isForNewKeys === true && before?.status === 'ok'
        ? await this.#whileAway(() => backend.get(fragment.partitionKey, fragment.hash))
        : undefined;
    events.started(fragment);
    const startedAt = performance.now();
    let outcome: FragmentOutcome;
    try {
      outcome = await source.run(fragment, signal, known);
    } catch (error) {
      // Not the fragment's fault as far as can be told, but the same fragment would bring it about again.
      outcome = { status: 'failed', error: messageOf(error) };
      events.trouble(`running fragment ${fragment.hash} failed unexpectedly`, error);
    }
    const computeMs = performance.now() - startedAt;
    outcome = withRoom(fragment, outcome, backend);
    this.#reportFinished(fragment, outcome, computeMs);
    await this.#settle(lease, outcome, before, computeMs);
    return computeMs;
  }

  async #settle(
    lease: WorkLease<Fragment>,
    outcome: FragmentOutcome,
    before: EntryDescription | undefined,
    computeMs: number,
  ): Promise<void> {
    const { queue } = this.#options;
    switch (outcome.status) {
      case 'aborted':
        await queue.release(lease);
        return;
      case 'unavailable':
        await this.#giveBack(lease, outcome, before, computeMs);
        return;
      case 'stored':
        this.#unreached = 0;
        await queue.complete(lease);
        return;
      default:
        this.#unreached = 0;
        await this.#store(lease.work, outcome, before, computeMs);
        if (outcome.status !== 'ok' && outcome.isForGood === true) await queue.bury(lease, outcome.error);
        else await queue.complete(lease);
    }
  }

  async #giveBack(
    lease: WorkLease<Fragment>,
    outcome: Extract<FragmentOutcome, { status: 'unavailable' }>,
    before: EntryDescription | undefined,
    computeMs: number,
  ): Promise<void> {
    const { queue } = this.#options;
    if (outcome.hasStarted) {
      const failed = await queue.fail(lease, outcome.error);
      if (failed !== false && failed.kind === 'buried') {
        await this.#store(lease.work, { status: 'failed', error: outcome.error }, before, computeMs);
      }
      return;
    }
    this.#unreached += 1;
    const delayMs = backoffMs(this.#outageBackoff, this.#unreached);
    await queue.release(lease, delayMs);
    // The other fragments would fare no better.
    await pause(delayMs, this.#stopping.signal);
  }

  async #store(
    fragment: Fragment,
    outcome: SettledOutcome,
    before: EntryDescription | undefined,
    computeMs: number,
  ): Promise<void> {
    const { backend } = this.#options;
    const attempt = { failuresBefore: failuresOf(before), computeMs, now: Date.now() };
    const put = (settled: SettledOutcome): Promise<void> =>
      backend.put(entryOfRun(fragment, settled, attempt));
    let failures = 0;
    await this.#whileAway(async () => {
      try {
        await put(outcome);
      } catch (error) {
        if (!(error instanceof KeyOutOfRangeError || error instanceof CacheUnavailableError)) throw error;
        failures += 1;
        const isRefused = error instanceof KeyOutOfRangeError || failures >= maxPuts;
        if (!isRefused) throw error;
        // A store that takes this is there, and has room: it is the entry that it does not take.
        await put({ status: 'failed', error: error.message });
      }
    });
  }

  /** Tries until the backend answers, or the observer is stopped. */
  async #whileAway<T>(ask: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof CacheUnavailableError) || this.#stopping.signal.aborted) throw error;
        this.#options.events.trouble('the cache does not answer', error);
        await pause(backoffMs(this.#outageBackoff, failures), this.#stopping.signal);
      }
    }
  }

  #reportFinished(fragment: Fragment, outcome: FragmentOutcome, computeMs: number): void {
    this.#options.events.finished({
      fragment,
      status: outcome.status === 'stored' ? 'ok' : outcome.status,
      seconds: computeMs / 1_000,
      keyCount: keyCountOf(outcome),
      isInPlace: outcome.status === 'stored',
      error: 'error' in outcome ? outcome.error : undefined,
    });
  }
}

/** Keys that the backend has no room for make a failure, before anybody is told of a success. */
function withRoom(
  { partitionKey }: Fragment,
  outcome: FragmentOutcome,
  { name, capabilities: { integerRange } }: CacheBackend,
): FragmentOutcome {
  if (outcome.status !== 'ok' || integerRange === undefined) return outcome;
  let [lowest, highest]: [bigint | undefined, bigint | undefined] = [undefined, undefined];
  for (const key of outcome.keys) {
    if (typeof key !== 'bigint') continue;
    if (lowest === undefined || key < lowest) lowest = key;
    if (highest === undefined || key > highest) highest = key;
  }
  const outside = outsideOf(integerRange, [lowest, highest]);
  if (outside === undefined) return outcome;
  return { status: 'failed', error: outOfRange(name, integerRange, partitionKey, outside).message };
}

function keyCountOf(outcome: FragmentOutcome): number {
  if (outcome.status === 'stored') return outcome.keyCount;
  return outcome.status === 'ok' ? outcome.keys.length : 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
