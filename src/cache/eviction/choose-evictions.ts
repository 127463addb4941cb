import { assertNever } from '../../errors/assert-never';
import type { FragmentHash } from '../../query/fragment/fragment';
import type { EvictionLimits, EvictionStrategy } from './eviction-policy';

/** What is looked at of an entry; times in milliseconds since 1970. */
export interface EvictionCandidate {
  readonly partitionKey: string;
  readonly hash: FragmentHash;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly computeMs: number;
  /** What it has saved statements since it was first stored. */
  readonly savedMs: number;
  /** What its keys take; 0 where nobody has written that down. */
  readonly bytes: number;
}

/** The limit an entry goes for. */
export type EvictionReason = 'age' | 'partition_key' | 'total';

export interface Eviction {
  readonly entry: EvictionCandidate;
  readonly reason: EvictionReason;
}

/** What a row takes besides its keys, about: an entry without any is not free of charge. sql/eviction says the same. */
const bytesBesidesKeys = 256;
const dayMs = 24 * 60 * 60 * 1000;

/** When an entry was last of use to anybody. */
export function lastUse({
  createdAt,
  lastUsedAt,
}: Pick<EvictionCandidate, 'createdAt' | 'lastUsedAt'>): number {
  return Math.max(createdAt, lastUsedAt);
}

/**
 * The entries to evict, in the order of the strategy: first what is too old, then what each partition key has too much of, then what all have
 * together. Of what a limit is about, no entry goes that comes later in that order than one that stays, and none once the limit is met.
 */
export function chooseEvictions(
  entries: readonly EvictionCandidate[],
  limits: EvictionLimits,
  now: number,
): readonly Eviction[] {
  const { strategy, maxAgeMs, maxEntries, maxBytes, maxEntriesPerKey, maxBytesPerKey } = limits;
  const ordered = inOrder(entries, strategy, now);
  const evicted: Eviction[] = [];
  const take = (chosen: readonly EvictionCandidate[], reason: EvictionReason): void => {
    for (const entry of chosen) evicted.push({ entry, reason });
  };

  const isTooOld = (entry: EvictionCandidate): boolean =>
    maxAgeMs !== undefined && lastUse(entry) < now - maxAgeMs;
  take(ordered.filter(isTooOld), 'age');
  let kept = ordered.filter((entry) => !isTooOld(entry));

  const beyond = new Set(
    [...byPartitionKey(kept).values()].flatMap((own) => firstBeyond(own, maxEntriesPerKey, maxBytesPerKey)),
  );
  take(
    kept.filter((entry) => beyond.has(entry)),
    'partition_key',
  );
  kept = kept.filter((entry) => !beyond.has(entry));

  take(firstBeyond(kept, maxEntries, maxBytes), 'total');
  return evicted;
}

/** As few of the first as leave no more than the limits. */
function firstBeyond(
  ordered: readonly EvictionCandidate[],
  maxEntries = Infinity,
  maxBytes = Infinity,
): readonly EvictionCandidate[] {
  let count = ordered.length;
  let bytes = ordered.reduce((sum, entry) => sum + entry.bytes, 0);
  let taken = 0;
  for (const entry of ordered) {
    if (count <= maxEntries && bytes <= maxBytes) break;
    count -= 1;
    bytes -= entry.bytes;
    taken += 1;
  }
  return ordered.slice(0, taken);
}

function byPartitionKey(
  entries: readonly EvictionCandidate[],
): ReadonlyMap<string, readonly EvictionCandidate[]> {
  const groups = new Map<string, EvictionCandidate[]>();
  for (const entry of entries) {
    const group = groups.get(entry.partitionKey);
    if (group === undefined) groups.set(entry.partitionKey, [entry]);
    else group.push(entry);
  }
  return groups;
}

/** What goes first comes first; among equals what was used longest ago, then by name, so that two that look see the same. */
function inOrder(
  entries: readonly EvictionCandidate[],
  strategy: EvictionStrategy,
  now: number,
): readonly EvictionCandidate[] {
  return entries
    .map((entry) => ({ entry, rank: rankOf(entry, strategy, now) }))
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        lastUse(a.entry) - lastUse(b.entry) ||
        compare(a.entry.partitionKey, b.entry.partitionKey) ||
        compare(a.entry.hash, b.entry.hash),
    )
    .map(({ entry }) => entry);
}

function rankOf(entry: EvictionCandidate, strategy: EvictionStrategy, now: number): number {
  switch (strategy) {
    case 'oldest':
      return lastUse(entry);
    case 'largest':
      return -entry.bytes;
    case 'cost_benefit': {
      const idleDays = Math.max(now - lastUse(entry), 0) / dayMs;
      // One that is new has saved nothing yet: what it cost stands for what it may be good for.
      return (entry.savedMs + entry.computeMs) / (entry.bytes + bytesBesidesKeys) / (1 + idleDays);
    }
    default:
      return assertNever(strategy, 'eviction strategy');
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
