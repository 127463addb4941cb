import type { QueuedWork } from './in-process-queue';
import type { QueueJournal } from './queue-journal';

/** A journal that may fail: what is in the queue is worked on all the same, and may be lost with the process. Told of once in a row. */
export class ForgivingJournal<Work> implements QueueJournal<Work> {
  #isFailing = false;

  constructor(
    private readonly journal: QueueJournal<Work>,
    private readonly warn: (message: string, cause: unknown) => void,
  ) {}

  get items(): readonly QueuedWork<Work>[] {
    return this.journal.items;
  }

  put(items: readonly (readonly [hash: string, item: QueuedWork<Work>])[]): Promise<void> {
    return this.#attempt(() => this.journal.put(items));
  }

  remove(hashes: readonly string[]): Promise<void> {
    return this.#attempt(() => this.journal.remove(hashes));
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing)
        this.warn('the queue cannot be written down; it may be lost with the process', error);
      this.#isFailing = true;
    }
  }
}
