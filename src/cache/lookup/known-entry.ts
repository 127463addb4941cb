import type { FragmentHash } from '../../query/fragment/fragment';
import type { EntryDescription } from '../cache-backend';

/** What is kept in memory of an entry. The fragment itself is with the backend; of those that match it is made anew. */
export interface KnownEntry extends Omit<EntryDescription, 'fragment'> {
  readonly partitionKey: string;
  readonly hash: FragmentHash;
}
