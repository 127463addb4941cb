import { BoundedMap } from './bounded-map';
import type { Reading } from './reading';

const maxWaiting = 200;

/**
 * Statements that were slow and whose fragments are being learned. Once something is known of one, everything its next
 * execution needs is made ready in the background, so that no execution waits for it.
 */
export class WaitingStatements {
  readonly #waiting = new BoundedMap<string, Reading>(maxWaiting);
  #isScheduled = false;
  #isStopped = false;

  /** @param prepare makes ready what can be; resolves to true if nothing more is to come for the statement */
  constructor(private readonly prepare: (reading: Reading) => Promise<boolean>) {}

  add(reading: Reading): void {
    this.#waiting.set(`${reading.statement.text}\0${reading.context.id}`, reading);
  }

  /** Something was learned. Several changes in a row are looked at once. */
  cacheChanged(): void {
    if (this.#waiting.weight === 0) return;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#prepareAll();
    });
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** What it would need is about to go; the statement that is being made ready is the last. */
  stop(): void {
    this.#isStopped = true;
    this.clear();
  }

  async #prepareAll(): Promise<void> {
    for (const [key, reading] of [...this.#waiting.entries()]) {
      // Each in a turn of its own: there may be hundreds, and clients wait.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#isStopped) return;
      if (await this.prepare(reading)) this.#waiting.delete(key);
    }
  }
}
