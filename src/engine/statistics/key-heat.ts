import type { KeySet } from '../../cache/key-set';
import { compareCodePoints } from '../../cache/key-sets/compare-code-points';
import type { PartitionKeyType, PartitionValue } from '../../query/partition-key';

/** Which keys of a partition key some key sets hold. */
export interface KeyHeat {
  readonly partitionKey: string;
  readonly datatype: PartitionKeyType;
  readonly sets: number;
  readonly keys: number;
  /**
   * Keys in the order of their values, cut into parts: how many of the sets' keys are in each, and what it begins and ends with. Of texts, which may
   * be confidential, not the keys are told, but which ones in their order.
   */
  readonly parts: readonly { readonly count: number; readonly first: string; readonly last: string }[];
}

const defaultParts = 96;
/** Looking at them all would hold up statements. */
const defaultMaxKeys = 100_000;

/**
 * Numbers and times are cut where their values are, so that a gap shows as one; texts where there are as many different ones in each part.
 *
 * @param sets those that matter most first: when there are too many keys, the others are left out
 */
export function keyHeat(
  partitionKey: string,
  datatype: PartitionKeyType,
  sets: Iterable<KeySet>,
  { maxParts = defaultParts, maxKeys = defaultMaxKeys } = {},
): KeyHeat {
  const counts = new Map<PartitionValue, number>();
  let [looked, keys] = [0, 0];
  for (const set of sets) {
    if (looked > 0 && keys + set.size > maxKeys) continue;
    let taken = 0;
    for (const value of set.values()) {
      if (taken++ >= maxKeys) break;
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    looked++;
    keys += Math.min(set.size, maxKeys);
  }
  const sorted = [...counts]
    .filter(([value]) => isFinite(datatype, value))
    .sort(([a], [b]) => compareValues(a, b));
  return { partitionKey, datatype, sets: looked, keys, parts: cut(datatype, sorted, maxParts) };
}

type Counted = readonly [value: PartitionValue, count: number];

function cut(datatype: PartitionKeyType, sorted: readonly Counted[], maxParts: number): KeyHeat['parts'] {
  const [first, last] = [sorted[0]?.[0], sorted.at(-1)?.[0]];
  if (first === undefined || last === undefined) return [];
  if (typeof first === 'string') return cutByRank(sorted, maxParts);
  const [low, high] = [Number(first), Number(last)];
  const isWhole = typeof first === 'bigint';
  const parts = Math.max(1, isWhole ? Math.min(maxParts, high - low + 1) : high === low ? 1 : maxParts);
  // Of whole numbers, the parts hold equally many of them, but for one.
  const width = isWhole ? (high - low + 1) / parts : (high - low) / parts;
  const counts = new Array<number>(parts).fill(0);
  for (const [value, count] of sorted) {
    const at = width === 0 || !Number.isFinite(width) ? 0 : Math.floor((Number(value) - low) / width);
    const part = Math.max(0, Math.min(parts - 1, at));
    counts[part] = (counts[part] ?? 0) + count;
  }
  const edge = (i: number): number => (isWhole ? Math.ceil(low + i * width) : low + i * width);
  return counts.map((count, i) => ({
    count,
    first: show(datatype, edge(i)),
    last: show(datatype, i === parts - 1 ? high : isWhole ? edge(i + 1) - 1 : edge(i + 1)),
  }));
}

function cutByRank(sorted: readonly Counted[], maxParts: number): KeyHeat['parts'] {
  const parts = Math.min(maxParts, sorted.length);
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((i * sorted.length) / parts);
    const own = sorted.slice(from, Math.floor(((i + 1) * sorted.length) / parts));
    return {
      count: own.reduce((sum, [, count]) => sum + count, 0),
      first: `no. ${from + 1}`,
      last: `no. ${from + own.length}`,
    };
  });
}

function compareValues(a: PartitionValue, b: PartitionValue): number {
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Infinities and NaN have no place among the others. */
function isFinite(datatype: PartitionKeyType, value: PartitionValue): boolean {
  if (datatype === 'timestamp') return value !== -(2n ** 63n) && value !== 2n ** 63n - 1n;
  return datatype !== 'float' || Number.isFinite(value);
}

const microsecondsTo2000 = Date.UTC(2000, 0, 1) * 1_000;
/** Beyond these JavaScript knows no date. */
const maxDateMs = 8.64e15;

function show(datatype: PartitionKeyType, value: number): string {
  if (datatype === 'timestamp') {
    const ms = (value + microsecondsTo2000) / 1_000;
    return Math.abs(ms) > maxDateMs ? 'far away' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  }
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
