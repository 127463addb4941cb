import { QueueUnavailableError } from '../../errors/queue-unavailable-error';
import type { WorkKind } from '../../population/queue/work-kind';
import type { PushOutcome, QueueLengths, WorkQueue, WorkRequest } from '../../population/queue/work-queue';
import { callName, type Channel } from './channel';

export interface QueueName {
  readonly database: string;
  readonly tier: WorkKind<unknown>['name'];
}

/** What a worker asks of the queues of its overseer. */
export const queueCalls = {
  push: callName<QueueName & { readonly requests: readonly WorkRequest<unknown>[] }, readonly PushOutcome[]>(
    'queue.push',
  ),
  lengths: callName<QueueName, QueueLengths>('queue.lengths'),
};

/** What is lent of a queue: nothing is claimed over a channel. */
type LentQueue = Pick<WorkQueue<never>, 'push' | 'lengths'>;

/**
 * The queues that the overseer has open, whatever provides them, for workers that push to them over their channels (BorrowedQueue): what they learn is
 * run by the overseer, and it is to be found in the very queue that is looked into.
 */
export class LentQueues {
  readonly #queues = new Map<string, LentQueue>();

  /** Both tiers of a database, until what is returned is disposed of. The queues stay the caller's. */
  lend(
    database: string,
    { fragments, queries }: { readonly fragments: LentQueue; readonly queries: LentQueue },
  ): AsyncDisposable {
    const lent = [
      [placeOf({ database, tier: 'query_fragment_queue' }), fragments],
      [placeOf({ database, tier: 'original_query_queue' }), queries],
    ] as const;
    for (const [place, queue] of lent) this.#queues.set(place, queue);
    return {
      [Symbol.asyncDispose]: async () => {
        for (const [place, queue] of lent) if (this.#queues.get(place) === queue) this.#queues.delete(place);
      },
    };
  }

  /** Until the channel closes. */
  lendTo(channel: Channel): void {
    channel.answer(queueCalls.push, async ({ requests, ...name }) =>
      // Of the kind that the queue has: both ends name it.
      this.#queue(name).push(requests as readonly WorkRequest<never>[]),
    );
    channel.answer(queueCalls.lengths, async (name) => this.#queue(name).lengths());
  }

  #queue(name: QueueName): LentQueue {
    const queue = this.#queues.get(placeOf(name));
    if (queue === undefined) throw new QueueUnavailableError('the queue', 'the overseer has it not open');
    return queue;
  }
}

function placeOf({ database, tier }: QueueName): string {
  return `${tier} ${database}`;
}
