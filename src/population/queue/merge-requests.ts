import type { WorkKind } from './work-kind';
import type { WorkRequest } from './work-queue';

/** Beyond it a sum could be no number any more, or one a provider refuses; it takes 10^293 pushes of this one. */
const greatestPriority = 1e15;

/** Each piece of work once, by hash, with the priorities of its requests added up. */
export function mergeRequests<Work>(
  kind: WorkKind<Work>,
  requests: readonly WorkRequest<Work>[],
): ReadonlyMap<string, WorkRequest<Work>> {
  const merged = new Map<string, WorkRequest<Work>>();
  for (const { work, priority } of requests) {
    const hash = kind.hashOf(work);
    const known = merged.get(hash);
    merged.set(hash, { work, priority: bounded(priority + (known?.priority ?? 0)) });
  }
  return merged;
}

function bounded(priority: number): number {
  return Math.min(Math.max(priority, -greatestPriority), greatestPriority);
}
