import type { WorkKind } from './work-kind';
import type { WorkRequest } from './work-queue';

/** Beyond it a sum could be no number any more, or one a provider refuses; it takes 10^293 pushes of this one. */
const greatestPriority = 1e15;

/** In JSON: the null character, or half of a surrogate pair. No text in PostgreSQL has either, so there is no such statement to be run. */
const neverInText = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

/** Each piece of work once, by hash, with the priorities of its requests added up. What no server could be asked is left out. */
export function mergeRequests<Work>(
  kind: WorkKind<Work>,
  requests: readonly WorkRequest<Work>[],
): ReadonlyMap<string, WorkRequest<Work>> {
  const merged = new Map<string, WorkRequest<Work>>();
  for (const { work, priority } of requests) {
    const hash = kind.hashOf(work);
    if (!merged.has(hash) && neverInText.test(kind.encode(work))) continue;
    const known = merged.get(hash);
    merged.set(hash, { work, priority: bounded(priority + (known?.priority ?? 0)) });
  }
  return merged;
}

function bounded(priority: number): number {
  return Math.min(Math.max(priority, -greatestPriority), greatestPriority);
}
