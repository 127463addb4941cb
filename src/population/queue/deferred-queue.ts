import { QueueUnavailableError } from '../../errors/queue-unavailable-error';
import { whenAborted } from '../when-aborted';
import type {
  DeadLetter,
  FailOutcome,
  PushOutcome,
  QueueLengths,
  WorkLease,
  WorkQueue,
  WorkRequest,
} from './work-queue';

/**
 * A queue that is opened when it is first used, and tried to be at each use until it can be: a program starts whether or not its queue, or the
 * database whose identity it takes, can be reached. Owns what it opened.
 */
export class DeferredQueue<Work> implements WorkQueue<Work> {
  #opening: Promise<WorkQueue<Work>> | undefined;
  #opened: WorkQueue<Work> | undefined;
  readonly #closing = new AbortController();
  readonly #closed = whenAborted(this.#closing.signal);

  /** @param open rejects with whatever keeps it from being opened for now, or when the signal is aborted */
  constructor(private readonly open: (signal: AbortSignal) => Promise<WorkQueue<Work>>) {}

  get name(): string {
    return this.#opened?.name ?? 'not open yet';
  }

  /** Of the queue that was opened; before, there is nothing to hold. */
  get leaseMs(): number {
    return this.#opened?.leaseMs ?? Infinity;
  }

  async push(requests: readonly WorkRequest<Work>[]): Promise<readonly PushOutcome[]> {
    return (await this.#queue()).push(requests);
  }

  async claim(signal: AbortSignal): Promise<WorkLease<Work> | undefined> {
    if (signal.aborted || this.#closing.signal.aborted) return undefined;
    if (this.#opened !== undefined) return this.#opened.claim(signal);
    const queue = await Promise.race([this.#queue(), whenAborted(signal), this.#closed]);
    return queue?.claim(signal);
  }

  async extend(lease: WorkLease<Work>): Promise<boolean> {
    return (await this.#queue()).extend(lease);
  }

  async complete(lease: WorkLease<Work>): Promise<boolean> {
    return (await this.#queue()).complete(lease);
  }

  async fail(lease: WorkLease<Work>, reason: string): Promise<FailOutcome | false> {
    return (await this.#queue()).fail(lease, reason);
  }

  async bury(lease: WorkLease<Work>, reason: string): Promise<boolean> {
    return (await this.#queue()).bury(lease, reason);
  }

  async release(lease: WorkLease<Work>, delayMs?: number): Promise<boolean> {
    return (await this.#queue()).release(lease, delayMs);
  }

  async clear(): Promise<number> {
    return (await this.#queue()).clear();
  }

  async lengths(): Promise<QueueLengths> {
    return (await this.#queue()).lengths();
  }

  /** The lengths, or none as long as it is not open, which is then begun: whoever looks at it now and then is not to wait. */
  async lengthsIfOpen(): Promise<QueueLengths> {
    if (this.#opened !== undefined) return this.#opened.lengths();
    this.#queue().catch(() => undefined);
    return { waiting: 0, delayed: 0, running: 0, dead: 0 };
  }

  async deadLetters(limit: number): Promise<readonly DeadLetter[]> {
    return (await this.#queue()).deadLetters(limit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([this.#opening]);
    await this.#opened?.[Symbol.asyncDispose]();
  }

  #queue(): Promise<WorkQueue<Work>> {
    if (this.#opened !== undefined) return Promise.resolve(this.#opened);
    if (this.#opening === undefined) {
      if (this.#closing.signal.aborted)
        return Promise.reject(new QueueUnavailableError('the queue', 'it is closed'));
      this.#opening = this.#open();
      // Whoever asked is told; this is for when all of them have left.
      this.#opening.catch(() => undefined);
    }
    return this.#opening;
  }

  async #open(): Promise<WorkQueue<Work>> {
    try {
      this.#opened = await this.open(this.#closing.signal);
      return this.#opened;
    } finally {
      this.#opening = undefined;
    }
  }
}
