import type { EntryDescription } from '../cache/cache-backend';
import type { Fragment } from '../query/fragment/fragment';
import type { PopulationEvents } from './population-events';
import type { WorkQueue } from './queue/work-queue';
import { defaultRetryPolicy, isWorthRunning, type RetryPolicy } from './retry-policy';

export interface LearnerOptions {
  readonly queue: WorkQueue<Fragment>;
  readonly events: PopulationEvents;
  /** What is known of a fragment without asking anybody: the directory. Saves the way through the queue. */
  readonly describe?: (
    fragment: Fragment,
  ) => Pick<EntryDescription, 'status' | 'createdAt' | 'failures'> | undefined;
  readonly retryPolicy?: RetryPolicy;
}

/** Where population begins: the engine hands over the fragments of a slow statement, and forgets about them. */
export class Learner {
  constructor(private readonly options: LearnerOptions) {}

  /**
   * Queues the fragments that are worth running. `weight` is what the statement adds to their priority: those asked for
   * by many, or by slow statements, are run first, in the order given among equals. Never throws, and waits for nothing.
   */
  learn(fragments: readonly Fragment[], weight = 1): void {
    this.push(fragments, weight).catch((error: unknown) => {
      this.options.events.trouble('fragments could not be queued', error);
    });
  }

  /** The same, to be waited for: resolves when they are in the queue; rejects if it cannot be reached. */
  async push(fragments: readonly Fragment[], weight: number): Promise<void> {
    const { queue, events } = this.options;
    const now = Date.now();
    const wanted = fragments.filter((fragment) => this.#isWanted(fragment, now));
    if (wanted.length === 0) return;
    const outcomes = await queue.push(wanted.map((fragment) => ({ work: fragment, priority: weight })));
    wanted.forEach((fragment, i) => {
      if (outcomes[i] === 'dropped') events.skipped(fragment, 'queue_full');
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
