import type { Fragment, FragmentHash } from '../query/fragment/fragment';
import type { PartitionKeyType } from '../query/partition-key';
import type { EntryBenefit, EntryUse } from './entry-benefit';
import type { InPlaceStore } from './in-place';
import type { KeySet } from './key-set';

/** How the computation of an entry ended. Only `ok` has a key set; the others say why it is not tried again at once. */
export type EntryStatus = 'ok' | 'timeout' | 'too_large' | 'failed';

/**
 * What keeps an entry exact while the data changes: whose transactions its snapshot is about, under which tracking it was made, and
 * which tracked tables it depends on, by their numbers there (rules F1 to F3; sql/freshness).
 */
export interface EntryOrigin {
  /** Of the tracking: another one, another history. */
  readonly epoch: string;
  /** The server whose transaction numbers the snapshot consists of. */
  readonly server: string;
  /** Tables that the key ties together: of these only changed keys are uncertain. */
  readonly sources: readonly number[];
  /** Tables that conjuncts read besides: after a change of these every key is. */
  readonly reads: readonly number[];
}

/** All that is known of an entry besides its keys; small enough to be held in memory for every entry. */
export interface EntryDescription {
  readonly fragment: Fragment;
  readonly status: EntryStatus;
  /** Number of keys, not counting NULL; 0 unless status is ok. */
  readonly keyCount: number;
  readonly hasNullKey: boolean;
  /** `pg_current_snapshot()` of the transaction that computed the entry, as text (rule F1). */
  readonly snapshot: string | undefined;
  /** Absent if changes were not tracked when it was computed: it is of use for static data only. */
  readonly origin?: EntryOrigin;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** How long the fragment ran, in milliseconds. */
  readonly computeMs: number;
  /** Message of the failure, for statuses other than ok. */
  readonly error: string | undefined;
  /** How often in a row the computation has not ended ok, for the back-off; absent means once, or never if ok. */
  readonly failures?: number;
  /**
   * What the keys take, in bytes: as the store was given them, without what it adds of its own; 0 if there are none. The store sets it,
   * whatever an entry that is put says. Absent where only numbers are kept of an entry, and in entries of earlier versions.
   */
  readonly bytes?: number;
  /** The store keeps it, whatever an entry that is put says. Absent where only numbers are kept, and while there is none. */
  readonly benefit?: EntryBenefit;
}

/** A cached entry: description and keys. `keys` is undefined unless the status is ok. */
export interface CacheEntry extends EntryDescription {
  readonly keys: KeySet | undefined;
}

export interface Intersection {
  /** The fragments that took part: those with an entry of status ok, in the order asked. */
  readonly hits: readonly FragmentHash[];
  /** undefined if there was no hit. */
  readonly keys: KeySet | undefined;
}

/**
 * SQL that reads keys where they are, for statements of clients of the same database. All three are to stand in one statement, or at least
 * under one snapshot: what is decided on is what is read, or `changed` says so.
 */
export interface LazyKeys {
  /** A SELECT of one column: the keys all entries have, as they were when this was made; NULL is not among them. */
  readonly rows: string;
  /**
   * A boolean expression, never NULL: not all of the very versions that were decided on can be seen, for they were replaced, removed or
   * hidden, or are newer than the snapshot. `rows` then lacks keys, and every key has to pass.
   */
  readonly changed: string;
  /** A boolean expression: the role that asks may read what the other two read. They fail if it may not, whatever stands around them. */
  readonly readable: string;
}

export type CacheChange =
  | { readonly kind: 'put'; readonly entry: EntryDescription }
  | { readonly kind: 'deleted'; readonly partitionKey: string; readonly hash: FragmentHash }
  | { readonly kind: 'dropped'; readonly partitionKey: string };

export interface CacheCapabilities {
  readonly keyTypes: ReadonlySet<PartitionKeyType>;
  /** The integers it has room for, both ends included; absent: all of 64 bits. */
  readonly integerRange?: IntegerRange;
}

export interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
}

/** What is known of the keys a partition key has in the data. */
export interface DataExtent {
  /** An integer key of the data, the lowest that was found; there may be lower ones. undefined: nothing is known. */
  readonly lowest: bigint | undefined;
}

/**
 * Key sets by fragment, in a store. Adding a backend is one file here and one test file that calls the conformance
 * suite in test/support. All methods reject with CacheUnavailableError when the store cannot be reached.
 */
export interface CacheBackend extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: CacheCapabilities;

  /**
   * Declares a key and its datatype; rejects with DatatypeMismatchError if it is known with another, or unsupported here, and with
   * KeyOutOfRangeError if the data are known to have a key below what there is room for: every set with it would be refused.
   */
  registerPartitionKey(partitionKey: string, datatype: PartitionKeyType, extent?: DataExtent): Promise<void>;
  partitionKeys(): Promise<ReadonlyMap<string, PartitionKeyType>>;

  /**
   * Writes an entry whole or not at all; replaces what was there. The partition key must be registered. Rejects with
   * KeyOutOfRangeError if a key is outside of `capabilities.integerRange`: nothing is dropped silently.
   */
  put(entry: CacheEntry): Promise<void>;
  /** Resolves to undefined for "never computed". */
  get(partitionKey: string, hash: FragmentHash): Promise<CacheEntry | undefined>;
  describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined>;
  delete(partitionKey: string, hash: FragmentHash): Promise<boolean>;
  /** Intersects the sets that exist. */
  intersect(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection>;
  /**
   * For stores in tables of a PostgreSQL database: how to read the intersection of entries there, of one partition key, all of status ok.
   * undefined if that cannot be; asks nobody.
   */
  lazy?(entries: readonly EntryDescription[]): LazyKeys | undefined;
  /** For stores in tables of a PostgreSQL database: how fragments of that database are run and their keys stored in one. */
  readonly inPlace?: InPlaceStore | undefined;
  /** Every entry's description; of one partition key, or of all. */
  list(partitionKey?: string): AsyncIterable<EntryDescription>;
  count(partitionKey: string): Promise<number>;
  /** Removes a partition key and all its entries; resolves to the number of entries removed. */
  dropPartitionKey(partitionKey: string): Promise<number>;
  /** Notes that entries were used, each at most once in a call; a lost note only makes an entry look older, and less useful. */
  touch(partitionKey: string, uses: readonly EntryUse[]): Promise<void>;

  /** Calls the listener after each change, in order, until the returned function is called. */
  subscribe(listener: (change: CacheChange) => void): () => void;
}
