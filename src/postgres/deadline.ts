import { setTimeout as delay } from 'node:timers/promises';

/** Until when to wait for an answer: a time limit, and the caller's own wish to stop. */
export interface Deadline {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A timer of Node.js has 31 bits, and fires at once for more; so have PostgreSQL's settings, which then refuse it. */
export const longestMs = 2 ** 31 - 1;

/** As much of a time as there can be: what is added to the longest that a configuration may say does not fit any more. */
export function atMostLongest(ms: number): number {
  return Math.min(ms, longestMs);
}

/** Why waiting ended before the answer came. */
export type Expiry = 'timeout' | 'aborted';

/**
 * Waits for `work`, but not past the deadline. When that passes, `onExpiry` is called once and its promise decides the
 * outcome; `work` is then on its own, and a later rejection of it is not reported.
 */
export async function waitUntil<T>(
  work: Promise<T>,
  deadline: Deadline,
  onExpiry: (expiry: Expiry) => Promise<T>,
): Promise<T> {
  const { timeoutMs, signal } = deadline;
  let stop = (): void => undefined;
  const expiry = new Promise<Expiry>((resolve) => {
    if (signal?.aborted === true) {
      resolve('aborted');
      return;
    }
    const timer = setTimeout(() => resolve('timeout'), atMostLongest(Math.max(0, timeoutMs)));
    const onAbort = (): void => resolve('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  try {
    const first = await Promise.race([
      work.then((value) => ({ kind: 'answer' as const, value })),
      expiry.then((why) => ({ kind: 'expired' as const, why })),
    ]);
    return first.kind === 'answer' ? first.value : await onExpiry(first.why);
  } finally {
    stop();
  }
}

/** Resolves after so many milliseconds, or when it is aborted; never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
