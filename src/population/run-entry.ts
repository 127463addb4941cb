import type { CacheEntry } from '../cache/cache-backend';
import { createKeySet } from '../cache/key-sets/create-key-set';
import type { Fragment } from '../query/fragment/fragment';
import type { FragmentOutcome } from './fragment-source';

/** The outcomes that leave an entry; the others leave the fragment in the queue. */
export type SettledOutcome = Extract<FragmentOutcome, { status: 'ok' | 'timeout' | 'too_large' | 'failed' }>;

export interface FinishedAttempt {
  /** Runs before this one, in a row, that did not end ok. */
  readonly failuresBefore: number;
  readonly computeMs: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
}

/** The entry a run leaves: its keys, or the failure and its count. */
export function entryOfRun(
  fragment: Fragment,
  outcome: SettledOutcome,
  attempt: FinishedAttempt,
): CacheEntry {
  const { failuresBefore, computeMs, now } = attempt;
  const common = { fragment, createdAt: now, lastUsedAt: now, computeMs };
  if (outcome.status !== 'ok') {
    return {
      ...common,
      status: outcome.status,
      keyCount: 0,
      hasNullKey: false,
      snapshot: undefined,
      error: outcome.error,
      failures: failuresBefore + 1,
      keys: undefined,
    };
  }
  const keys = createKeySet(fragment.datatype, outcome.keys, { hasNullKey: outcome.hasNullKey });
  return {
    ...common,
    status: 'ok',
    keyCount: keys.size,
    hasNullKey: keys.hasNullKey,
    snapshot: outcome.snapshot,
    ...(outcome.origin === undefined ? {} : { origin: outcome.origin }),
    error: undefined,
    keys,
  };
}
