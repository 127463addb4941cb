import type { EntryOrigin } from '../cache/cache-backend';
import type { ControlPool } from '../postgres/control-pool';
import type { SeenBy } from './combine-stamps';
import { trackingQuery } from './tracking-schema';

/** An entry that is to be brought up to date. */
export interface Stale<Entry> {
  readonly entry: Entry;
  /** Nothing can be said with it any more; else more keys have changed than are worth being looked up each time. */
  readonly isUnusable: boolean;
}

/**
 * Those of the entries that have not seen more than `maxChanged` changed keys, or cannot be used. Rejects as the pool's queries do.
 *
 * @param entries all of one tracking and one server
 */
export async function staleEntries<Entry extends SeenBy>(
  pool: ControlPool,
  schema: string,
  entries: readonly [Entry, ...Entry[]],
  maxChanged: number,
): Promise<readonly Stale<Entry>[]> {
  const { epoch, server } = entries[0].origin;
  const rows = await pool.query<{ place: number; is_unusable: boolean }>(
    trackingQuery('stale-entries', schema),
    [
      entries.map(({ snapshot }) => snapshot),
      entries.map(({ origin }) => `{${origin.sources.join(',')}}`),
      entries.map(({ origin }) => `{${origin.reads.join(',')}}`),
      epoch,
      server,
      maxChanged,
    ],
  );
  return rows.flatMap(({ place, is_unusable }) => {
    const entry = entries[place - 1];
    return entry === undefined ? [] : [{ entry, isUnusable: is_unusable }];
  });
}

/** Entries by tracking and server. */
export function byOrigin<Entry extends SeenBy>(
  entries: Iterable<Entry>,
): readonly (readonly [Entry, ...Entry[]])[] {
  const groups = new Map<string, [Entry, ...Entry[]]>();
  for (const entry of entries) {
    const name = nameOf(entry.origin);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

function nameOf({ epoch, server }: EntryOrigin): string {
  return JSON.stringify([epoch, server]);
}
