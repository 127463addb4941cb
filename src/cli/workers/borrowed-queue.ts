import { ChannelClosedError } from '../../errors/channel-closed-error';
import { QueueUnavailableError } from '../../errors/queue-unavailable-error';
import type { WorkKind } from '../../population/queue/work-kind';
import type { PushOutcome, QueueLengths, WorkQueue, WorkRequest } from '../../population/queue/work-queue';
import { DeferredQueue } from '../../population/queue/deferred-queue';
import type { Queues } from '../open-queues';
import type { Channel } from './channel';
import { queueCalls, type QueueName } from './lent-queues';

/** A queue of the overseer's process, over the channel to it. A worker pushes and looks how much there is; what is in it is the overseer's to do. */
export class BorrowedQueue<Work> implements WorkQueue<Work> {
  readonly name = 'borrowed';
  readonly leaseMs = Infinity;
  #isClosed = false;

  constructor(
    private readonly channel: Channel,
    private readonly queue: QueueName,
  ) {}

  push(requests: readonly WorkRequest<Work>[]): Promise<readonly PushOutcome[]> {
    return this.#answered(() => this.channel.call(queueCalls.push, { ...this.queue, requests }));
  }

  lengths(): Promise<QueueLengths> {
    return this.#answered(() => this.channel.call(queueCalls.lengths, this.queue));
  }

  readonly claim = refuse;
  readonly extend = refuse;
  readonly complete = refuse;
  readonly fail = refuse;
  readonly bury = refuse;
  readonly release = refuse;
  readonly clear = refuse;
  readonly deadLetters = refuse;

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
  }

  async #answered<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new QueueUnavailableError(this.name, 'it is closed');
    try {
      return await call();
    } catch (error) {
      if (error instanceof ChannelClosedError)
        throw new QueueUnavailableError(this.name, error.message, { cause: error });
      throw error;
    }
  }
}

/** The queues of a database, borrowed. */
export function borrowQueues(channel: Channel, database: string): Queues {
  return {
    open: <Work>({ name: tier }: WorkKind<Work>) =>
      new DeferredQueue<Work>(async () => new BorrowedQueue(channel, { database, tier })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function refuse(): Promise<never> {
  return Promise.reject(
    new QueueUnavailableError('borrowed', 'a worker does nothing that is queued: that is for its overseer'),
  );
}
