import type { EntryDescription } from '../../cache/cache-backend';
import type { FragmentHash } from '../../query/fragment/fragment';
import type { Insertion } from '../../query/rewrite/insertion';
import type { KeyTable } from '../../query/rewrite/key-table';

/**
 * What would become of a statement if it were run now, and why: what EXPLAIN (PCACHE), the command line and the console show. Plain
 * data; render-explanation.ts writes it out.
 */
export interface Explanation {
  readonly mode: 'on' | 'observe' | 'off';
  /** Why the statement goes as it came, from the closed list of reasons; undefined: it is restricted. */
  readonly reason: string | undefined;
  /** Identifies statements that differ in constants only; undefined if nobody looked into it. */
  readonly fingerprint: string | undefined;
  /** full: all that would help is known. undefined if nobody looked into it. */
  readonly coverage: 'full' | 'partial' | undefined;
  readonly blocks: readonly BlockExplanation[];
  /** The restricted form, if there is one, whether it is used or a reason speaks against that. */
  readonly restricted: RestrictedForm | undefined;
}

export interface RestrictedForm {
  readonly text: string;
  readonly insertions: readonly Insertion[];
  readonly parameterOids: readonly number[];
  /** Temporary tables that have to be there for it. */
  readonly tables: readonly KeyTable[];
  /** How the keys are brought into the statement. */
  readonly method: string;
  /** Why this one. */
  readonly why: string;
  /** Whether it could raise an error that the statement as it came does not (rule S12). */
  readonly mayRaise: boolean;
  /** Whether it may be run for the sake of measuring it: it does nothing but read. */
  readonly isReadOnly: boolean;
}

/** One `SELECT … FROM …` of the statement. */
export interface BlockExplanation {
  /** Byte offset of something in it; undefined for `TABLE place`. */
  readonly location: number | undefined;
  /** Some words of the text, by which people find it. */
  readonly words: string;
  /** `schema.table` and alias; empty for a block that has nothing to restrict. */
  readonly tables: readonly string[];
  /** Why it is left as it is, from the closed list of reasons. */
  readonly reason: string | undefined;
  readonly classes: readonly ClassExplanation[];
  /** Why conditions of it are not made use of. */
  readonly leftOut: readonly string[];
}

/** Tables of a block whose key columns it equates. */
export interface ClassExplanation {
  readonly partitionKey: string;
  /** `alias.column` of each. */
  readonly columns: readonly string[];
  /** Keys that are left of all that are known to hold for it; undefined if nothing is, or key sets could not be read. */
  readonly keysKept: number | undefined;
  /** Number of all keys, as the catalog counts them; undefined if that is not known. */
  readonly totalKeys: number | undefined;
  readonly fragments: readonly FragmentExplanation[];
}

export interface FragmentExplanation {
  readonly hash: FragmentHash;
  readonly sql: string;
  /** hit: it is known, and holds for the block. Otherwise how its computation ended. */
  readonly status: 'hit' | 'never computed' | 'timeout' | 'too large' | 'failed';
  /** For hits. */
  readonly keyCount: number | undefined;
  /** Of those that did not end well: when it is tried again, in milliseconds since 1970; Infinity: not before its entry is deleted. */
  readonly retryAt: number | undefined;
}

/** What is known of a fragment whose last run did not end ok. */
export type FailedEntry = Pick<EntryDescription, 'status' | 'createdAt' | 'failures'>;
