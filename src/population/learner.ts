import type { EntryDescription } from '../cache/cache-backend';
import { pause } from '../postgres/deadline';
import type { Fragment } from '../query/fragment/fragment';
import { type Backoff, backoffMs } from './backoff';
import type { PopulationEvents } from './population-events';
import type { WorkQueue, WorkRequest } from './queue/work-queue';
import { defaultRetryPolicy, isWorthRunning, type RetryPolicy } from './retry-policy';
import { SeenFragments } from './seen-fragments';

export interface LearnerOptions {
  readonly queue: WorkQueue<Fragment>;
  readonly events: PopulationEvents;
  /** What is known of a fragment without asking anybody: the directory. Saves the way through the queue. */
  readonly describe?: (
    fragment: Fragment,
  ) => Pick<EntryDescription, 'status' | 'createdAt' | 'failures'> | undefined;
  readonly retryPolicy?: RetryPolicy;
  /** In so many statements a fragment has to be seen by this process before it is queued; default 1: at once. */
  readonly minSeen?: number;
  /** After pushes that failed. */
  readonly outageBackoff?: Backoff;
}

/** Fragments kept while the queue is busy or away; what comes then is learned again from the next slow statement. */
const maxWaiting = 1_000;

/**
 * Where population begins: the engine hands over the fragments of a slow statement, and forgets about them. There is one push at a time, and what
 * comes meanwhile shares the next: a queue that is slow or away costs a bounded amount of memory, one connection and one complaint now and then.
 */
export class Learner implements AsyncDisposable {
  readonly #seen = new SeenFragments();
  readonly #waiting = new Map<string, WorkRequest<Fragment>>();
  readonly #closing = new AbortController();
  #isPushing = false;

  constructor(private readonly options: LearnerOptions) {}

  /**
   * Queues the fragments that are worth running. `weight` is what the statement adds to their priority: those asked for
   * by many, or by slow statements, are run first, in the order given among equals. Never throws, and waits for nothing.
   */
  learn(fragments: readonly Fragment[], weight = 1): void {
    if (this.#closing.signal.aborted) return;
    for (const fragment of this.#seenOften(this.#wanted(fragments))) {
      const name = `${fragment.hash}${fragment.partitionKey}`;
      const known = this.#waiting.get(name);
      if (known === undefined && this.#waiting.size >= maxWaiting) {
        this.options.events.skipped(fragment, 'queue_full');
        continue;
      }
      this.#waiting.set(name, { work: fragment, priority: weight + (known?.priority ?? 0) });
    }
    if (!this.#isPushing) void this.#pushWaiting();
  }

  /**
   * The same for fragments that somebody asked for, however often they were seen, to be waited for: resolves when they are in the queue;
   * rejects if it cannot be reached.
   */
  async push(fragments: readonly Fragment[], weight: number): Promise<void> {
    await this.#push(this.#wanted(fragments).map((fragment) => ({ work: fragment, priority: weight })));
  }

  /** What is not pushed yet is forgotten. A push that is under way is the queue's. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#waiting.clear();
  }

  /** Never rejects. */
  async #pushWaiting(): Promise<void> {
    const { events, outageBackoff = { firstMs: 500, maxMs: 5_000 } } = this.options;
    const { signal } = this.#closing;
    this.#isPushing = true;
    for (let failures = 0; this.#waiting.size > 0;) {
      const requests = [...this.#waiting.values()];
      this.#waiting.clear();
      try {
        await this.#push(requests);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        events.trouble('fragments could not be queued', error);
        await pause(backoffMs(outageBackoff, failures), signal);
      }
    }
    this.#isPushing = false;
  }

  async #push(requests: readonly WorkRequest<Fragment>[]): Promise<void> {
    const { queue, events } = this.options;
    if (requests.length === 0) return;
    const outcomes = await queue.push(requests);
    requests.forEach(({ work }, i) => {
      if (outcomes[i] === 'dropped') events.skipped(work, 'queue_full');
    });
  }

  #wanted(fragments: readonly Fragment[]): readonly Fragment[] {
    const now = Date.now();
    return fragments.filter((fragment) => this.#isWanted(fragment, now));
  }

  #seenOften(fragments: readonly Fragment[]): readonly Fragment[] {
    const { minSeen = 1, events } = this.options;
    if (minSeen <= 1) return fragments;
    const now = performance.now();
    return fragments.filter((fragment) => {
      if (this.#seen.see(fragment, now) >= minSeen) return true;
      events.skipped(fragment, 'seen_rarely');
      return false;
    });
  }

  #isWanted(fragment: Fragment, now: number): boolean {
    const { describe, events, retryPolicy = defaultRetryPolicy } = this.options;
    const entry = describe?.(fragment);
    if (isWorthRunning(entry, now, retryPolicy)) return true;
    events.skipped(fragment, entry?.status === 'ok' ? 'known' : 'failed_before');
    return false;
  }
}
