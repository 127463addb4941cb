import type { ControlClient, QueryOptions } from '../postgres/control-client';
import type { Fragment, FragmentHash } from '../query/fragment/fragment';
import type { EntryDescription, EntryOrigin, LazyKeys } from './cache-backend';

/**
 * A store in tables of a PostgreSQL database, for whoever runs fragments in that very database: keys are written where they are computed, and never
 * leave the server. The connection and its transaction are the caller's, and so are the snapshot and the fragment's settings; what is written is
 * there whole or not at all, since it is one row, and when the transaction has been committed. Other processes are told of it as of any change,
 * and this one with them.
 */
export interface InPlaceStore {
  /**
   * What is in the way of writing the fragment's entry in this transaction, as a sentence; undefined if nothing is. To be asked before the fragment's
   * settings are in force. Whether the connection is to the database the store is in is found out, not assumed. Rejects as the client's queries do, and as the
   * store's methods do.
   */
  problem(client: ControlClient, fragment: Fragment, limits: QueryOptions): Promise<string | undefined>;
  /** Rejects as the client's queries do; the transaction is of no use then. */
  write(client: ControlClient, entry: InPlaceEntry, limits: QueryOptions): Promise<InPlaceResult>;
  /** Both as the store's methods of these names. */
  lazy(entries: readonly EntryDescription[]): LazyKeys | undefined;
  describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined>;
}

/** An entry to be computed and written. */
export interface InPlaceEntry {
  readonly fragment: Fragment;
  /**
   * A SELECT of two columns: `key`, in canonical form and of the type the datatype is kept in (int8, float8, text in collation "C", timestamp), NULL if
   * such a key qualifies; and `weight`, the bytes it counts for.
   */
  readonly keys: string;
  /** Of the transaction. */
  readonly snapshot: string;
  readonly origin: EntryOrigin | undefined;
  /** When the run began, in milliseconds since 1970-01-01 UTC, and how long it has taken until now. */
  readonly startedAt: number;
  readonly elapsedMs: number;
  /** Nothing is written of more keys, or more bytes. */
  readonly maxKeys: number;
  readonly maxBytes: number;
  /** Of the entry that is replaced, if that is only brought up to date. */
  readonly kept?: Pick<EntryDescription, 'computeMs' | 'lastUsedAt'>;
}

export type InPlaceResult =
  | { readonly kind: 'written'; readonly keyCount: number }
  | { readonly kind: 'too_many_keys' | 'too_many_bytes' }
  /** There is no room for a key; the message is that of `put`. */
  | { readonly kind: 'out_of_range'; readonly error: string };
