import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until the condition holds (resolves to something other than false or undefined) and resolves to its value.
 * Never sleeps for a fixed time: asks again, at first at once, later every `everyMs`. Fails after `deadlineMs`, with
 * what was waited for.
 */
export async function until<T>(
  what: string,
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  { deadlineMs = 20_000, everyMs = 20 }: { readonly deadlineMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, everyMs)) {
    const value = await condition();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(pauseMs);
  }
}
