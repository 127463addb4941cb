import type { AppliedRestriction } from './engine';

/** Of all keys, from 0 to 1, how many a restriction lets through; undefined if that is not known. */
export function keptShareOf({
  keysKept,
  totalKeys,
}: Pick<AppliedRestriction, 'keysKept' | 'totalKeys'>): number | undefined {
  if (totalKeys === undefined || totalKeys === 0) return undefined;
  return Math.min(1, keysKept / totalKeys);
}
