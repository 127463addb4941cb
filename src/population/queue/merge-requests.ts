import type { WorkKind } from './work-kind';
import type { WorkRequest } from './work-queue';

/** Each piece of work once, by hash, with the priorities of its requests added up. */
export function mergeRequests<Work>(
  kind: WorkKind<Work>,
  requests: readonly WorkRequest<Work>[],
): ReadonlyMap<string, WorkRequest<Work>> {
  const merged = new Map<string, WorkRequest<Work>>();
  for (const { work, priority } of requests) {
    const hash = kind.hashOf(work);
    const known = merged.get(hash);
    merged.set(hash, { work, priority: priority + (known?.priority ?? 0) });
  }
  return merged;
}
