import type { QueuedWork } from './in-process-queue';

/** Where an in-process queue writes down what is in it, so that the next process finds it. */
export interface QueueJournal<Work> {
  /** What the last process left, oldest first. */
  readonly items: readonly QueuedWork<Work>[];
  /** By the work's hash; one that is there is replaced. All or none. */
  put(items: readonly (readonly [hash: string, item: QueuedWork<Work>])[]): Promise<void>;
  remove(hashes: readonly string[]): Promise<void>;
}
