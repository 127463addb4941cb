import type { FragmentOptions } from './fragment/fragment-options';

/** The datatypes a partition key can have. Each is one btree operator family of PostgreSQL. */
export const partitionKeyTypes = ['integer', 'float', 'text', 'timestamp'] as const;
export type PartitionKeyType = (typeof partitionKeyTypes)[number];

/**
 * One value of a partition key, in its canonical form:
 * integer: bigint (64 bits); float: number (never -0); text: string;
 * timestamp: bigint, microseconds since 2000-01-01 as PostgreSQL stores them, its infinities the two ends of int8.
 */
export type PartitionValue = bigint | number | string;

/** A partition key as the configuration declares it: a logical name, and the column that holds it in each table. */
export interface PartitionKey {
  readonly name: string;
  readonly datatype: PartitionKeyType;
  /** Schema-qualified table name, as `schema.table` in the configuration, to the name of its key column. */
  readonly tables: ReadonlyMap<string, string>;
  /** What is learned from queries; absent: `defaultFragmentOptions`. */
  readonly fragments?: FragmentOptions;
  /** Schema where changes of its tables are logged, by which it is exact; absent: their data is promised not to change. */
  readonly changeLog?: string;
}
