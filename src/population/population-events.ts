import type { EntryStatus } from '../cache/cache-backend';
import type { Fragment } from '../query/fragment/fragment';

/**
 * How a run ended: as the entry it left says, or without one. unavailable: the database could not be reached or the
 * connection was lost; aborted: the program is stopping. After those two the fragment is in the queue as before.
 */
export type RunStatus = EntryStatus | 'unavailable' | 'aborted';

/** Why a fragment was not put in the queue, or not run. */
export type SkipReason =
  /** There is an entry with keys. */
  | 'known'
  /** It did not end ok a short while ago, or too often. */
  | 'failed_before'
  /** Not seen often enough so far. */
  | 'seen_rarely'
  /** The queue is full of fragments that are wanted more, or takes none for now. */
  | 'queue_full';

/** What there is to see of population, for metrics and log. Implementations must not throw. */
export interface PopulationEvents {
  started(fragment: Fragment): void;
  /** `keyCount` is 0 unless the status is ok; `error` is there unless the status is ok or aborted. */
  finished(run: FinishedRun): void;
  skipped(fragment: Fragment, reason: SkipReason): void;
  /** The queue, the cache or something unforeseen is in trouble; the work goes on, later. */
  trouble(message: string, error: unknown): void;
}

export interface FinishedRun {
  readonly fragment: Fragment;
  readonly status: RunStatus;
  readonly seconds: number;
  readonly keyCount: number;
  /** Its keys were stored where they were computed. */
  readonly isInPlace: boolean;
  readonly error: string | undefined;
}
