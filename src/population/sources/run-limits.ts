import type { QueryOptions } from '../../postgres/control-client';

/** For each statement of a run what is left of its time; throws RunTimeoutError when nothing is. */
export type RunLimits = () => QueryOptions;

/** The server ends a statement by its own clock; ours is only for when it does not. */
export const serverGraceMs = 1_000;

export function runLimits(timeoutMs: number, signal: AbortSignal): RunLimits {
  const endsAt = performance.now() + timeoutMs;
  return () => {
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0) throw new RunTimeoutError(`no end within ${timeoutMs} ms`);
    return { signal, timeoutMs: leftMs + serverGraceMs };
  };
}

export class RunTimeoutError extends Error {
  override readonly name = 'RunTimeoutError';
}
