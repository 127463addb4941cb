import type { CacheBackend } from '../cache-backend';
import {
  chooseEvictions,
  type Eviction,
  type EvictionCandidate,
  type EvictionReason,
  lastUse,
} from './choose-evictions';
import { type EvictionLimits, hasLimit } from './eviction-policy';

/** What a run has looked at, and what it has removed. */
export interface EvictionReport {
  readonly entries: number;
  readonly bytes: number;
  readonly evicted: number;
  readonly evictedBytes: number;
  readonly byReason: Readonly<Record<EvictionReason, number>>;
}

export interface EvictionRun {
  /** Only of this partition key; limits of all together then mean those of this one. */
  readonly partitionKey?: string | undefined;
  /** Nothing is removed, and all that would be is reported. */
  readonly isDry?: boolean;
  readonly now?: number;
  /** Hears of each entry that is removed, or would be. */
  readonly onEviction?: (eviction: Eviction) => void;
  readonly signal?: AbortSignal;
}

/**
 * Removes what is beyond the limits, one entry after the other: each is told of as any change is, and whoever decided to use it still has its keys, or
 * runs without. One that was used or computed anew since it was looked at stays. Rejects with CacheUnavailableError.
 */
export async function evictEntries(
  backend: CacheBackend,
  limits: EvictionLimits,
  { partitionKey, isDry = false, now = Date.now(), onEviction, signal }: EvictionRun = {},
): Promise<EvictionReport> {
  const candidates = hasLimit(limits) ? await candidatesOf(backend, partitionKey) : [];
  const report = {
    entries: candidates.length,
    bytes: candidates.reduce((sum, { bytes }) => sum + bytes, 0),
    evicted: 0,
    evictedBytes: 0,
    byReason: { age: 0, partition_key: 0, total: 0 },
  };
  for (const eviction of chooseEvictions(candidates, limits, now)) {
    if (signal?.aborted === true) break;
    const { entry, reason } = eviction;
    if (!isDry && !(await remove(backend, entry))) continue;
    onEviction?.(eviction);
    report.evicted += 1;
    report.evictedBytes += entry.bytes;
    report.byReason[reason] += 1;
  }
  return report;
}

async function candidatesOf(
  backend: CacheBackend,
  partitionKey: string | undefined,
): Promise<readonly EvictionCandidate[]> {
  const candidates: EvictionCandidate[] = [];
  // Not the description itself: there may be a million, and its fragment is the most of it.
  for await (const { fragment, createdAt, lastUsedAt, computeMs, bytes, benefit } of backend.list(
    partitionKey,
  ))
    candidates.push({
      partitionKey: fragment.partitionKey,
      hash: fragment.hash,
      ...{ createdAt, lastUsedAt, computeMs },
      savedMs: benefit?.savedMs ?? 0,
      bytes: bytes ?? 0,
    });
  return candidates;
}

async function remove(backend: CacheBackend, entry: EvictionCandidate): Promise<boolean> {
  const { partitionKey, hash } = entry;
  const current = await backend.describe(partitionKey, hash);
  if (current === undefined || lastUse(current) > lastUse(entry)) return false;
  return backend.delete(partitionKey, hash);
}
