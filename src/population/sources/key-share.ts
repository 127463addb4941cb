/** What ANALYZE has found out about a key column. */
export interface KeyStatistics {
  readonly distinctKeys: number;
  /** Share of the rows that each of the most common keys has, and NULL; in no order. */
  readonly commonShares: readonly number[];
}

/**
 * The fewest keys that so large a share of a table's rows can be spread over: the most common keys first, then as many of the others, which
 * have equally many rows each as far as is known. However a condition and the key hang together, its rows have at least so many keys: that a
 * condition picks a tenth of the rows says nothing of the keys, that it picks nearly all of them does.
 */
export function fewestKeys(rowShare: number, { distinctKeys, commonShares }: KeyStatistics): number {
  let left = rowShare;
  let keys = 0;
  for (const share of [...commonShares].sort((a, b) => b - a)) {
    if (left <= 0) return keys;
    if (left <= share) return keys + left / share;
    left -= share;
    keys += 1;
  }
  const others = distinctKeys - commonShares.length;
  const othersShare = 1 - commonShares.reduce((sum, share) => sum + share, 0);
  return others <= 0 || othersShare <= 0 ? keys : keys + others * Math.min(1, left / othersShare);
}
