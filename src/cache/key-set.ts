import type { PartitionKeyType, PartitionValue } from '../query/partition-key';

/**
 * The partition keys a fragment returns: distinct, sorted, immutable, and whether a NULL key qualified.
 * An empty set is knowledge ("computed: no key"), never the same as a missing one (rule S10).
 */
export interface KeySet {
  readonly datatype: PartitionKeyType;
  /** Number of keys, not counting NULL. */
  readonly size: number;
  readonly hasNullKey: boolean;
  /** Approximate memory, in bytes. */
  readonly bytes: number;
  has(value: PartitionValue): boolean;
  values(): Iterable<PartitionValue>;
}
