import type { EntryDescription, EntryOrigin } from '../../cache/cache-backend';
import type { InPlaceEntry, InPlaceStore } from '../../cache/in-place';
import { ControlQueryError } from '../../errors/control-query-error';
import type { ControlClient } from '../../postgres/control-client';
import { sqlFile } from '../../postgres/sql-files';
import type { Fragment } from '../../query/fragment/fragment';
import type { FragmentOutcome } from '../fragment-source';
import { canonicalKeys } from './canonical-key-sql';
import type { ChangedKeys } from './changes-since';
import { baseTypeOf } from './key-type';
import type { RunLimits } from './run-limits';

const endRun = sqlFile('end-fragment-run');

/** The server's own doing, not that of the way a fragment is run: cancelled, a conflict, a lock or a standby. */
const isOfTheServer = /^(57014|40|55P03)/;
const serializationFailure = '40001';

/** A run whose transaction has begun, and is under the fragment's settings. */
export interface InPlaceRun extends Pick<
  InPlaceEntry,
  'snapshot' | 'startedAt' | 'elapsedMs' | 'maxKeys' | 'maxBytes'
> {
  readonly fragment: Fragment;
  /** What is run for it: its own text, or one with the same keys. */
  readonly text: string;
  readonly origin: EntryOrigin | undefined;
  /** The entry that is brought up to date; all is looked at if it cannot be said what has changed since. */
  readonly renewed?: { readonly known: EntryDescription; readonly changes: ChangedKeys | undefined };
}

/** It cannot be done in this way; nothing is written, and the transaction is of no more use. */
export class NotInPlaceError extends Error {
  override readonly name = 'NotInPlaceError';
}

/** Rejects with NotInPlaceError if nothing can be written in the transaction that has begun; with CacheUnavailableError if the store does not answer. */
export async function checkInPlace(
  client: ControlClient,
  store: InPlaceStore,
  fragment: Fragment,
  limits: RunLimits,
): Promise<void> {
  let problem: string | undefined;
  try {
    problem = await store.problem(client, fragment, limits());
  } catch (error) {
    throw notInPlace(error);
  }
  if (problem === undefined) return;
  await client.query(endRun, [], limits());
  throw new NotInPlaceError(problem);
}

/**
 * Has the server compute the fragment's keys and write its entry, and commits. What goes wrong with the fragment itself is found again, and
 * told, by running it the other way. Rejects with NotInPlaceError, else as the client's queries do.
 */
export async function runInPlace(
  client: ControlClient,
  store: InPlaceStore,
  run: InPlaceRun,
  limits: RunLimits,
): Promise<FragmentOutcome> {
  try {
    return await writeInPlace(client, store, run, limits);
  } catch (error) {
    if (!(error instanceof ControlQueryError && error.sqlState === serializationFailure))
      throw notInPlace(error);
    const overtaken = await storedByOthers(store, run);
    if (overtaken !== undefined) return overtaken;
    // A use of the entry was noted: the next attempt, as long as this one, might meet with another one.
    throw new NotInPlaceError(error.message, { cause: error });
  }
}

/** What the server refuses is of the way it was asked, as far as can be told. */
function notInPlace(error: unknown): unknown {
  if (!(error instanceof ControlQueryError) || isOfTheServer.test(error.sqlState)) return error;
  return new NotInPlaceError(error.message, { cause: error });
}

async function writeInPlace(
  client: ControlClient,
  store: InPlaceStore,
  run: InPlaceRun,
  limits: RunLimits,
): Promise<FragmentOutcome> {
  const { fragment, renewed, maxKeys, maxBytes } = run;
  const typeOid = await keyTypeOf(client, run.text, limits);
  const keys = canonicalKeys(fragment.datatype, typeOid, amongChanged(run.text, renewed?.changes));
  if (keys === undefined)
    throw new NotInPlaceError(`keys of the type with OID ${typeOid} are not read in place`);
  const unchanged = await unchangedKeys(client, store, renewed, limits);
  const kept = renewed === undefined ? {} : { kept: renewed.known };
  const result = await store.write(client, { ...run, ...kept, keys: keys + unchanged }, limits());
  await client.query(endRun, [], limits());
  switch (result.kind) {
    case 'written':
      return { status: 'stored', keyCount: result.keyCount };
    case 'too_many_keys':
      return { status: 'too_large', error: `more than ${maxKeys} keys` };
    case 'too_many_bytes':
      return { status: 'too_large', error: `keys of more than ${maxBytes} bytes` };
    case 'out_of_range':
      return { status: 'failed', error: result.error };
  }
}

/** LIMIT 0: the fragment is planned, for the type of its column, and not run. */
async function keyTypeOf(client: ControlClient, fragmentSql: string, limits: RunLimits): Promise<number> {
  const text =
    `select pg_catalog.pg_typeof((select f.key from (${fragmentSql}\n) as f (key) limit 0))` +
    `::pg_catalog.oid as oid`;
  const [row] = await client.execute<{ oid: number }>('fragment', text, [], limits());
  if (row === undefined) throw new Error('the type of a key was asked for, and no row came');
  return baseTypeOf(client, row.oid, limits());
}

function amongChanged(fragmentSql: string, changes: ChangedKeys | undefined): string {
  if (changes === undefined) return fragmentSql;
  return `SELECT f.key FROM (${fragmentSql}\n) AS f (key) WHERE f.key OPERATOR(pg_catalog.=) ANY (ARRAY(${changes.sql}))`;
}

/**
 * Keys of the entry that have not changed hold: they are read where they are, in the snapshot that the rest is read in. More rows for a SELECT of keys, or
 * none.
 */
async function unchangedKeys(
  client: ControlClient,
  store: InPlaceStore,
  renewed: InPlaceRun['renewed'],
  limits: RunLimits,
): Promise<string> {
  if (renewed?.changes === undefined) return '';
  const { known, changes } = renewed;
  const there = store.lazy([known]);
  if (there === undefined) throw new NotInPlaceError('an entry cannot be read in place');
  const text = `select ${there.changed} as changed`;
  const [row] = await client.execute<{ changed: boolean }>('entry', text, [], limits());
  if (row?.changed !== false)
    throw new NotInPlaceError('an entry was replaced before it was brought up to date');
  const collation = known.fragment.datatype === 'text' ? ' COLLATE pg_catalog."C"' : '';
  return (
    ` UNION ALL SELECT u.key${collation}, 0 FROM (${there.rows}) AS u (key) ` +
    `WHERE NOT EXISTS (SELECT FROM (${changes.sql}) AS g (key) WHERE g.key OPERATOR(pg_catalog.=) u.key)` +
    (known.hasNullKey ? ' UNION ALL SELECT NULL, 0' : '')
  );
}

/** Somebody else has written the same entry since the run began. */
async function storedByOthers(
  store: InPlaceStore,
  { fragment, renewed }: InPlaceRun,
): Promise<FragmentOutcome | undefined> {
  const entry = await store.describe(fragment.partitionKey, fragment.hash);
  if (entry?.status !== 'ok' || entry.snapshot === renewed?.known.snapshot) return undefined;
  return { status: 'stored', keyCount: entry.keyCount };
}
