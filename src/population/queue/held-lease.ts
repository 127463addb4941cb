import type { WorkLease, WorkQueue } from './work-queue';

/** Extensions in the time a lease holds without. */
const extensionsPerLease = 3;
/** The share of a lease, before its end, in which nothing is done any more: what runs on a server takes time to be ended. */
const restShare = 1 / 6;

/**
 * Keeps a lease while its work is being done. If it is lost, or cannot be extended in time, `signal` is aborted before another worker can
 * have the work. Dispose of it when the work is over, before the lease is ended.
 */
export class HeldLease<Work> implements Disposable {
  readonly #lost = new AbortController();
  /** Aborted when the lease is lost, or by whoever stops all work. */
  readonly signal: AbortSignal;
  #extendTimer: NodeJS.Timeout | undefined;
  #endTimer: NodeJS.Timeout | undefined;
  #isDone = false;

  /** To be made as soon as the lease was claimed. `warn` hears of extensions that failed. */
  constructor(
    private readonly queue: Pick<WorkQueue<Work>, 'extend' | 'leaseMs'>,
    private readonly lease: WorkLease<Work>,
    stopping: AbortSignal,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {
    this.signal = AbortSignal.any([stopping, this.#lost.signal]);
    if (Number.isFinite(queue.leaseMs)) {
      this.#holdsFrom(performance.now());
      this.#extendLater();
    }
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  [Symbol.dispose](): void {
    this.#isDone = true;
    clearTimeout(this.#extendTimer);
    clearTimeout(this.#endTimer);
  }

  #holdsFrom(claimedAt: number): void {
    clearTimeout(this.#endTimer);
    const endsInMs = claimedAt + this.queue.leaseMs * (1 - restShare) - performance.now();
    this.#endTimer = setTimeout(() => this.#lose(), endsInMs);
  }

  #extendLater(): void {
    this.#extendTimer = setTimeout(() => {
      void this.#extend();
    }, this.queue.leaseMs / extensionsPerLease);
  }

  async #extend(): Promise<void> {
    const askedAt = performance.now();
    try {
      const isHeld = await this.queue.extend(this.lease);
      if (this.#isDone || this.isLost) return;
      if (!isHeld) {
        this.#lose();
        return;
      }
      this.#holdsFrom(askedAt);
    } catch (error) {
      if (this.#isDone || this.isLost) return;
      this.warn('a claim could not be extended', error);
    }
    this.#extendLater();
  }

  #lose(): void {
    this[Symbol.dispose]();
    this.#lost.abort();
  }
}
