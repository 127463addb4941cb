/**
 * Which entries go first. oldest: those that no statement has used for longest. largest: those whose keys take most. cost_benefit: those that
 * save least for what they take: the milliseconds they have saved statements and that computing them took, by byte, and by day that nobody has used them.
 */
export const evictionStrategies = ['oldest', 'largest', 'cost_benefit'] as const;
export type EvictionStrategy = (typeof evictionStrategies)[number];

/** How much may be kept. undefined: no limit. */
export interface EvictionLimits {
  readonly strategy: EvictionStrategy;
  /** Since the last use, or since it was computed. Whatever the strategy, what is older goes. */
  readonly maxAgeMs: number | undefined;
  /** Of all partition keys together. */
  readonly maxEntries: number | undefined;
  readonly maxBytes: number | undefined;
  /** Of each partition key. */
  readonly maxEntriesPerKey: number | undefined;
  readonly maxBytesPerKey: number | undefined;
}

/** Whether anything could ever be evicted. */
export function hasLimit({ strategy: _, ...limits }: EvictionLimits): boolean {
  return Object.values(limits).some((limit) => limit !== undefined);
}
