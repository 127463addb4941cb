/** How long a client counts as one that has just come. */
const newMs = 2_000;

/**
 * A client that came a moment ago. Told to go when the proxy is stopped, it would have got nothing for its connection, and those that
 * connect for every transaction would see one fail; so it is left alone for the time such a client needs.
 */
export class Newcomer {
  private readonly newUntil = performance.now() + newMs;

  get isNew(): boolean {
    return performance.now() < this.newUntil;
  }

  /** Calls back when it is new no more. What it is needed for keeps the process alive, not this. */
  whenOld(action: () => void): void {
    // Timers may fire a moment early.
    setTimeout(action, Math.max(0, this.newUntil - performance.now()) + 1).unref();
  }
}
