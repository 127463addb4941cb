import type { PartitionKeyType } from '../partition-key';

declare const brand: unique symbol;
/**
 * SHA-256, in hex, of a fragment's canonical form (constants included) and its context.
 * Not libpg_query's fingerprint, which drops constants.
 */
export type FragmentHash = string & { readonly [brand]: 'FragmentHash' };

/** One table of a fragment. Its position in `Fragment.tables` is its slot: `t1`, `t2`, … in the fragment's SQL. */
export interface FragmentTable {
  readonly schema: string;
  readonly name: string;
  /** FROM ONLY: without inheritance children. */
  readonly only: boolean;
  readonly keyColumn: string;
  /** Of a view, what it meant when the fragment was made: another definition, another fragment. Absent for tables. */
  readonly definition?: string;
}

/** A conjunct over some of the fragment's tables. */
export interface FragmentConjunct {
  /** Canonical text: alias-free, tables written as {0}, {1}, … in the order of `slots`. Equal text, equal meaning. */
  readonly template: string;
  /** For each number in the template, the slot of the fragment's table that stands there. */
  readonly slots: readonly number[];
  /** Tables that it reads besides, in sub-selects, as schema.table: their rows decide too. Absent if there are none. */
  readonly reads?: readonly string[];
}

/**
 * A cacheable part of a block: tables equated on the partition key, and the conjuncts over just those tables.
 * Plain data, so that a backend can store it as JSON and another process can match and run it.
 */
export interface Fragment {
  readonly hash: FragmentHash;
  readonly partitionKey: string;
  readonly datatype: PartitionKeyType;
  readonly tables: readonly FragmentTable[];
  readonly conjuncts: readonly FragmentConjunct[];
  /** `SELECT DISTINCT t1.key FROM … WHERE …`: one column, the key, NULL included if a NULL key qualifies. */
  readonly sql: string;
  /** Identity of the session context the text has its meaning in; a fragment only matches statements of the same. */
  readonly contextId: string;
  /** Settings a connection must have to run `sql` with the meaning it has here, by name. */
  readonly settings: Readonly<Record<string, string>>;
}
