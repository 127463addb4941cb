import type { CacheEntry } from '../cache/cache-backend';
import type { KeySet } from '../cache/key-set';
import type { Fragment } from '../query/fragment/fragment';

/** Why an entry that a program has made has no keys. */
export const withoutKeys = {
  null: 'set to null by a program',
  query: 'no keys yet, only the text',
} as const;

/** The entry of keys that a program gives. It has seen no snapshot. */
export function givenEntry(fragment: Fragment, keys: KeySet, now: number): CacheEntry {
  return {
    ...{ fragment, keys, createdAt: now, lastUsedAt: now },
    status: 'ok',
    keyCount: keys.size,
    hasNullKey: keys.hasNullKey,
    snapshot: undefined,
    computeMs: 0,
    error: undefined,
  };
}

export function entryWithoutKeys(
  fragment: Fragment,
  why: (typeof withoutKeys)[keyof typeof withoutKeys],
  now: number,
): CacheEntry {
  return {
    ...{ fragment, createdAt: now, lastUsedAt: now },
    status: 'failed',
    keyCount: 0,
    hasNullKey: false,
    snapshot: undefined,
    computeMs: 0,
    error: why,
    failures: 1,
    keys: undefined,
  };
}
