/**
 * How long statements may be looked into in one turn of the event loop, all sessions together. What one session sends, however
 * much of it at once, keeps the others waiting no longer; what comes in a turn whose time is used up goes as it came.
 */
export class TurnBudget {
  #spentMs = 0;
  #isResetDue = false;

  /**
   * @param limitMs milliseconds; the last statement of a turn may go beyond
   * @param stopwatch begins to measure, and returns what tells the milliseconds since
   */
  constructor(
    private readonly limitMs: number,
    private readonly stopwatch: () => () => number = workedTime,
  ) {}

  get isSpent(): boolean {
    return this.#spentMs >= this.limitMs;
  }

  /** Runs what belongs to this turn; returns its result, and the milliseconds it took. */
  spend<T>(action: () => T): { readonly result: T; readonly ms: number } {
    const elapsedMs = this.stopwatch();
    try {
      const result = action();
      return { result, ms: elapsedMs() };
    } finally {
      this.#spentMs += elapsedMs();
      this.#resetLater();
    }
  }

  /** Resolves in a turn that has time left. */
  async turn(): Promise<void> {
    while (this.isSpent) await new Promise((resolve) => setImmediate(resolve));
  }

  #resetLater(): void {
    if (this.#isResetDue) return;
    this.#isResetDue = true;
    // After all that has come in by now.
    setImmediate(() => {
      this.#isResetDue = false;
      this.#spentMs = 0;
    });
  }
}

/** What the process had worked at a time not long ago: asking at the start of each statement would take longer than most of them do. */
let known = { at: -Infinity, usage: process.cpuUsage() };
/** Milliseconds for which it is asked no more: as much may be counted of what was worked before. */
const askedAgainMs = 5;

/**
 * Milliseconds from now on. Where this process did not get the processor, that is no fault of the statement's; where its other
 * threads worked too, it is none either: so the lesser of the time that passed and the time that was worked.
 */
function workedTime(): () => number {
  const startedAt = performance.now();
  if (startedAt - known.at > askedAgainMs) known = { at: startedAt, usage: process.cpuUsage() };
  const { usage: before } = known;
  return () => {
    const passedMs = performance.now() - startedAt;
    // Asking takes longer than most statements do.
    if (passedMs < 1) return passedMs;
    const usage = process.cpuUsage();
    // The next statement begins where this one ends.
    known = { at: startedAt + passedMs, usage };
    return Math.min(passedMs, (usage.user + usage.system - before.user - before.system) / 1000);
  };
}

/** There is one event loop, whatever the number of databases. */
export const turnBudget = new TurnBudget(10);
