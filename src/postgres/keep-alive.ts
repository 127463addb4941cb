/** Silence after which a peer is asked whether it is still there. It is given up some ten seconds later. */
export const defaultKeepAliveMs = 60_000;

/**
 * TCP keepalive, as options of `net`: half-open connections, whose peer has gone without a word, are noticed. The system counts
 * in seconds. 0: no keepalive.
 */
export function keepAliveOptions(afterMs: number): { keepAlive: boolean; keepAliveInitialDelay: number } {
  return { keepAlive: afterMs > 0, keepAliveInitialDelay: 1000 * Math.ceil(afterMs / 1000) };
}
