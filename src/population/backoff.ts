/** How long to wait after a failure: twice as long after each, up to a limit. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The pause after the given number of failures in a row, 1 or more, in milliseconds. */
export function backoffMs({ firstMs, maxMs }: Backoff, failures: number): number {
  // 2 ** 1100 is Infinity, which the limit takes care of.
  return Math.min(maxMs, firstMs * 2 ** (failures - 1));
}
