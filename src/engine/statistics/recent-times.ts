const kept = 15;

/** The last measurements of something, in milliseconds. */
export class RecentTimes {
  readonly #times: number[] = [];
  #next = 0;
  #median: number | undefined;

  /** How many there were, those that are forgotten included. */
  count = 0;
  totalMs = 0;

  note(ms: number): void {
    this.#times[this.#next] = ms;
    this.#next = (this.#next + 1) % kept;
    this.#median = undefined;
    this.count++;
    this.totalMs += ms;
  }

  /**
   * The median of the last 15; of an even number, the lower one of the middle. undefined if there were none. Unlike an average, one
   * run with cold caches, or one that waited for a lock, does not move it.
   */
  get medianMs(): number | undefined {
    this.#median ??= [...this.#times].sort((a, b) => a - b)[(this.#times.length - 1) >> 1];
    return this.#median;
  }
}
