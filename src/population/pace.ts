import { pause } from '../postgres/deadline';

export interface PaceOptions {
  /** Share of the time that fragments are run while the server has other work, above 0; 1: no rest, and as many at a time as there are workers. */
  readonly duty: number;
  /** Whether the server has nothing else to do. By default, and if it rejects, that is not known, and it is taken to have. */
  readonly isIdle?: ((signal: AbortSignal) => Promise<boolean>) | undefined;
}

/** Whoever has it may begin a fragment, and says when. Disposing of it lets the next one have it. */
export interface Turn extends AsyncDisposable {
  /** A fragment is begun. */
  begun(): void;
  /** And is done, in so many milliseconds. */
  done(workedMs: number): void;
}

/** However long a fragment took, no rest is longer. */
const longestRestMs = 60_000;
/** Between two looks at the server in a rest. */
const lookMs = 1_000;
/** What is left of a rest is not worth a look if it is shorter. */
const shortestLookedIntoMs = 100;

/**
 * When fragments are begun. What slows down the server's clients is not how much is run in all, but how often somebody meets it: so one is run at
 * a time, with a rest after it in proportion to the time it took. A server that has nothing else to do needs neither.
 */
export class Pace {
  #restUntil = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly options: PaceOptions) {}

  /** Resolves when a fragment may be begun, or the signal is aborted. */
  async turn(signal: AbortSignal): Promise<Turn> {
    if (this.options.duty >= 1) return freeTurn;
    const before = this.#last;
    let pass = (): void => undefined;
    this.#last = new Promise((resolve) => {
      pass = resolve;
    });
    await before;
    await this.#rest(signal);
    const ending = new AbortController();
    let looking: Promise<void> = Promise.resolve();
    return {
      begun: () => {
        looking = this.#isIdle(AbortSignal.any([signal, ending.signal])).then((isIdle) => {
          if (isIdle) pass();
        });
      },
      done: (workedMs) => {
        const restMs = Math.min(workedMs * (1 / this.options.duty - 1), longestRestMs);
        this.#restUntil = Math.max(this.#restUntil, performance.now() + restMs);
      },
      [Symbol.asyncDispose]: async () => {
        ending.abort();
        pass();
        await looking;
      },
    };
  }

  async #rest(signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = this.#restUntil - performance.now();
      if (leftMs <= 0 || signal.aborted) return;
      if (leftMs >= shortestLookedIntoMs && (await this.#isIdle(signal))) return;
      await pause(Math.min(Math.max(this.#restUntil - performance.now(), 0), lookMs), signal);
    }
  }

  async #isIdle(signal: AbortSignal): Promise<boolean> {
    const { isIdle } = this.options;
    if (isIdle === undefined) return false;
    try {
      return await isIdle(signal);
    } catch {
      // Running the fragment says why, if it is the server.
      return false;
    }
  }
}

const freeTurn: Turn = {
  begun: () => undefined,
  done: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
