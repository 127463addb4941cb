/**
 * A clock that shows milliseconds since 1970 as the machine's does now, and goes on evenly from there: when the machine's is set, nothing that is
 * due falls due at once, and nothing waits for hours.
 */
export function steadyClock(): () => number {
  const startedAt = Date.now() - performance.now();
  // Whole, as the machine's are.
  return () => Math.round(startedAt + performance.now());
}
