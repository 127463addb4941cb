import type { Backoff } from '../backoff';

/** What a queue puts up with; the same for all providers. */
export interface QueueLimits {
  /** How long a worker may be silent before its work is given to another one, in milliseconds. */
  readonly leaseMs: number;
  /** Attempts after which work that keeps failing, or losing its workers, is buried. */
  readonly maxAttempts: number;
  /** Between attempts. */
  readonly backoff: Backoff;
  /** Pieces of work held at most, about; what is running is left out. */
  readonly maxLength: number;
  /** Dead letters kept; the oldest go first. */
  readonly maxDead: number;
}

/** Why work that never failed, but was never completed either, is buried. */
export const lostReason = 'its workers were lost, again and again';

export const defaultQueueLimits: QueueLimits = {
  leaseMs: 30_000,
  maxAttempts: 5,
  backoff: { firstMs: 1_000, maxMs: 300_000 },
  maxLength: 10_000,
  maxDead: 1_000,
};
