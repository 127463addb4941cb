import type { EntryOrigin } from '../cache/cache-backend';
import type { CatalogReading } from '../query/catalog/catalog';
import type { Freshness } from './fresh-keys';
import { seenByAll, seenByAny } from './snapshot';

/** What an entry has seen, and of what. */
export interface SeenBy {
  readonly snapshot: string;
  readonly origin: EntryOrigin;
}

/**
 * What an intersection of entries is to be kept fresh with. All of them are of the tracking and the server that the catalog was read
 * from, see `isOf`; at least one.
 *
 * @param schema where the change log is
 */
export function freshnessOf(entries: readonly SeenBy[], schema: string, reading: CatalogReading): Freshness {
  const snapshots = entries.map(({ snapshot }) => snapshot);
  return {
    schema,
    epoch: reading.epoch,
    server: reading.server,
    sources: union(entries.map(({ origin }) => origin.sources)),
    reads: union(entries.map(({ origin }) => origin.reads)),
    seen: seenByAll(snapshots),
    // DDL takes effect in snapshots older than itself: one that lags behind the reading of the catalog can say nothing.
    known: seenByAny([...snapshots, reading.snapshot]),
    catalog: reading,
  };
}

/** Whether an entry's numbers and snapshot mean anything where the catalog was read. */
export function isOf({ epoch, server }: EntryOrigin, reading: CatalogReading): boolean {
  return epoch === reading.epoch && server === reading.server;
}

function union(lists: readonly (readonly number[])[]): readonly number[] {
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}
