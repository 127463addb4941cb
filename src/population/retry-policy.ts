import type { EntryDescription } from '../cache/cache-backend';
import { type Backoff, backoffMs } from './backoff';

/** When a fragment whose last run did not end ok is worth another. */
export interface RetryPolicy extends Backoff {
  /** Runs in a row that did not end ok, after which the fragment is left alone until its entry is deleted. */
  readonly maxFailures: number;
}

/** 5 minutes, then twice as long each time, up to a day; eight runs in all. */
export const defaultRetryPolicy: RetryPolicy = { firstMs: 5 * 60_000, maxMs: 24 * 3_600_000, maxFailures: 8 };

/** What is asked of an entry. */
type KnownOutcome = Pick<EntryDescription, 'status' | 'createdAt' | 'failures'>;

/** How often in a row the fragment's runs have not ended ok, by its entry. */
export function failuresOf(entry: KnownOutcome | undefined): number {
  if (entry === undefined || entry.status === 'ok') return 0;
  return entry.failures ?? 1;
}

/** Whether to run a fragment that has this entry. `now` in milliseconds since 1970. */
export function isWorthRunning(
  entry: KnownOutcome | undefined,
  now: number,
  policy: RetryPolicy = defaultRetryPolicy,
): boolean {
  if (entry === undefined) return true;
  if (entry.status === 'ok') return false;
  const waitMs = retryAt(entry, policy) - now;
  // More than the longest wait there is, on whichever machine it was written: the clock has been set back since.
  return waitMs <= 0 || (Number.isFinite(waitMs) && waitMs > 2 * policy.maxMs);
}

/** When a fragment with this entry, which is not ok, is worth another run, in milliseconds since 1970; Infinity: never. */
export function retryAt(entry: KnownOutcome, policy: RetryPolicy = defaultRetryPolicy): number {
  const failures = failuresOf(entry);
  return failures < policy.maxFailures ? entry.createdAt + backoffMs(policy, failures) : Infinity;
}
