import type { WorkLease } from './work-queue';

/** What a provider hands out at once. */
export interface Taken<Work> {
  readonly leases: readonly WorkLease<Work>[];
  /** When something may be claimable although nobody pushes, in milliseconds from now; Infinity: never. */
  readonly nextInMs: number;
}

export interface ClaimSource<Work> {
  /** Up to `max` pieces of work that can be claimed now, most wanted first; asks once, and does not wait for any. */
  take(max: number): Promise<Taken<Work>>;
  /** Work nobody waits for any more; never rejects. */
  giveBack(leases: readonly WorkLease<Work>[]): Promise<void>;
  /** Asks again after that time whatever it was told, in milliseconds. */
  readonly longestPauseMs: number;
}

interface Waiter<Work> {
  readonly resolve: (lease: WorkLease<Work> | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** setTimeout takes 31 bits; longer would fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * Waiting for work, made of asking for it. Claims that come while the provider is being asked share the next question, so that many workers
 * are few questions; who is waiting is served in the order of coming.
 */
export class BlockingClaims<Work> implements AsyncDisposable {
  readonly #source: ClaimSource<Work>;
  readonly #waiting = new Set<Waiter<Work>>();
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** How often something may have been pushed. */
  #wakes = 0;
  /** That number when the question was asked. */
  #wakesAsked = 0;
  #isClosed = false;

  constructor(source: ClaimSource<Work>) {
    this.#source = source;
  }

  claim(signal: AbortSignal): Promise<WorkLease<Work> | undefined> {
    if (signal.aborted || this.#isClosed) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        leave();
        resolve(undefined);
      };
      const waiter: Waiter<Work> = {
        resolve: (lease) => {
          leave();
          resolve(lease);
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(waiter);
      this.#ask();
    });
  }

  /** Something was pushed or given back, or may have been. */
  wake(): void {
    this.#wakes += 1;
    this.#ask();
  }

  /** Claims that wait resolve to undefined; resolves when nothing is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    for (const waiter of [...this.#waiting]) waiter.resolve(undefined);
    await this.#asking;
  }

  #ask(): void {
    if (this.#asking !== undefined || this.#waiting.size === 0) return;
    this.#stopTimer();
    this.#asking = this.#askUntilServed().finally(() => {
      this.#asking = undefined;
      // Who came between the last look and this moment, and nobody else would ask for.
      if (this.#wasWoken || this.#timer === undefined) this.#ask();
    });
  }

  async #askUntilServed(): Promise<void> {
    while (this.#waiting.size > 0) {
      this.#wakesAsked = this.#wakes;
      let taken: Taken<Work>;
      try {
        taken = await this.#source.take(this.#waiting.size);
      } catch (error) {
        for (const waiter of [...this.#waiting]) waiter.reject(error);
        return;
      }
      const late: WorkLease<Work>[] = [];
      for (const lease of taken.leases) {
        const [waiter] = this.#waiting;
        if (waiter === undefined) late.push(lease);
        else waiter.resolve(lease);
      }
      if (late.length > 0) await this.#source.giveBack(late);
      if (taken.leases.length === 0 && !this.#wasWoken) {
        this.#askIn(taken.nextInMs);
        return;
      }
    }
  }

  get #wasWoken(): boolean {
    return this.#wakes !== this.#wakesAsked;
  }

  #askIn(ms: number): void {
    if (this.#waiting.size === 0 || this.#isClosed) return;
    const pauseMs = Math.min(ms, this.#source.longestPauseMs, maxTimerMs);
    this.#stopTimer();
    this.#timer = setTimeout(() => this.wake(), Math.max(pauseMs, 0));
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
