import type { CacheEntry, EntryOrigin } from '../cache/cache-backend';
import type { Fragment } from '../query/fragment/fragment';
import type { PartitionValue } from '../query/partition-key';

/** How a fragment's run ended. Only an error of this program itself rejects. */
export type FragmentOutcome =
  | {
      readonly status: 'ok';
      /** Canonical, in no order; distinct if the fragment's are. */
      readonly keys: readonly PartitionValue[];
      readonly hasNullKey: boolean;
      /** Of the transaction all was read in (rule F1); undefined where it was not PostgreSQL's. */
      readonly snapshot: string | undefined;
      /** Absent if the data is promised not to change. */
      readonly origin?: EntryOrigin;
    }
  /** As ok, and its entry is in the store: keys never left the database. */
  | { readonly status: 'stored'; readonly keyCount: number }
  /** The fragment itself is to blame: running it again soon would end the same way; `isForGood`: at any time. */
  | {
      readonly status: 'timeout' | 'too_large' | 'failed';
      readonly error: string;
      readonly isForGood?: boolean;
    }
  /** The database could not be reached; `hasStarted`: the connection was lost on the way, perhaps by the fragment's doing. */
  | { readonly status: 'unavailable'; readonly error: string; readonly hasStarted: boolean }
  | { readonly status: 'aborted' };

/** A database that fragments are run on. One file per kind, in sources/. */
export interface FragmentSource {
  readonly name: string;
  /**
   * Runs a fragment, whole or not at all. An abort ends it on the server too, before the promise resolves.
   *
   * @param known the fragment's entry, for sources that can leave out what it says already
   */
  run(fragment: Fragment, signal: AbortSignal, known?: CacheEntry): Promise<FragmentOutcome>;
}
