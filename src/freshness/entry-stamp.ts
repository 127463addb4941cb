import { ControlQueryError } from '../errors/control-query-error';
import type { EntryOrigin } from '../cache/cache-backend';
import type { ControlClient, QueryOptions } from '../postgres/control-client';
import type { Fragment } from '../query/fragment/fragment';
import { trackingProblem } from './tracking-problem';
import { trackingQuery } from './tracking-schema';

/** What an entry has to carry to be kept fresh, as of the transaction it is asked in (rules F1 to F3). */
export interface EntryStamp {
  /** Of that transaction; not always what pg_current_snapshot() gives, see safe_snapshot() in sql/freshness. */
  readonly snapshot: string;
  readonly origin: EntryOrigin;
  /** For `isDurable`. */
  readonly walPosition: string | null;
}

/** Why an entry of the fragment could not be kept fresh (rule F7), as a sentence. */
export interface NoStamp {
  readonly problem: string;
}

/** A row of sql/freshness/queries/stamp-entry.sql. */
type StampRow = {
  readonly snapshot: string;
  readonly server: string;
  readonly epoch: string;
  readonly wal_position: string | null;
  readonly sources: readonly (number | null)[];
};

/**
 * Asks in the transaction that a fragment is run in, before or after it.
 *
 * @param schema where the change log is
 */
export async function stampEntry(
  client: ControlClient,
  schema: string,
  fragment: Fragment,
  limits: QueryOptions,
): Promise<EntryStamp | NoStamp> {
  const tied = fragment.tables.map(({ schema, name, keyColumn, definition }) => ({
    ...{ schema, name, keyColumn },
    isView: definition !== undefined,
  }));
  const view = tied.find(({ isView }) => isView);
  if (view !== undefined)
    return { problem: `${view.schema}.${view.name} is a view, whose changes are not tracked` };
  const read = [...new Set(fragment.conjuncts.flatMap(({ reads }) => reads ?? []))].map(tableNamed);
  const all = [...tied, ...read];
  const parameters = [
    all.map((table) => table.schema),
    all.map(({ name }) => name),
    all.map(({ keyColumn }) => keyColumn),
  ];
  let row: StampRow | undefined;
  try {
    [row] = await client.query<StampRow>(trackingQuery('stamp-entry', schema), parameters, limits);
  } catch (error) {
    const problem = trackingProblem(error, schema);
    if (problem === undefined) throw error;
    return { problem };
  }
  if (row === undefined) throw new Error('stamp-entry.sql returned no row');
  const untracked = all.filter((_, i) => typeof row.sources[i] !== 'number');
  if (untracked.length > 0) {
    const names = [...new Set(untracked.map(({ schema, name }) => `${schema}.${name}`))].join(', ');
    return { problem: `changes of ${names} are not tracked; see \`pcache track status\`` };
  }
  const numbers = row.sources.filter((source) => source !== null);
  const origin: EntryOrigin = {
    epoch: row.epoch,
    server: row.server,
    sources: distinct(numbers.slice(0, tied.length)),
    reads: distinct(numbers.slice(tied.length)),
  };
  return { snapshot: row.snapshot, origin, walPosition: row.wal_position };
}

/**
 * Whether what the entry has seen would survive a crash of the server. Until then it is not to be used: a transaction that is lost leaves
 * its number to another one, which the entry would be said to have seen.
 */
export async function isDurable(
  client: ControlClient,
  schema: string,
  { walPosition }: EntryStamp,
  limits: QueryOptions,
): Promise<boolean> {
  const [row] = await client.query<{ is_durable: boolean }>(
    trackingQuery('is-durable', schema),
    [walPosition],
    limits,
  );
  return row?.is_durable === true;
}

/**
 * Has that come true soon. A role that may not write to the server's log, or a server that does not take it, leaves it to time.
 */
export async function hastenDurability(
  client: ControlClient,
  schema: string,
  limits: QueryOptions,
): Promise<void> {
  try {
    await client.query(trackingQuery('flush-log', schema), [], limits);
  } catch (error) {
    if (!(error instanceof ControlQueryError)) throw error;
  }
}

/** `schema.table`, as conjuncts name what they read. No tracked table has a dot in its name. */
function tableNamed(written: string): {
  readonly schema: string;
  readonly name: string;
  readonly keyColumn: null;
} {
  const [schema = '', name = '', ...more] = written.split('.');
  return more.length > 0 ? { schema: '', name: written, keyColumn: null } : { schema, name, keyColumn: null };
}

function distinct(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
