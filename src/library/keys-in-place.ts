import { keysInPlace, type InPlaceMatch } from '../engine/keys-in-place';
import { methodsFor } from '../engine/method-choice';
import type { ClassMatch, Reading } from '../engine/reading';
import { mayUseTables } from '../engine/restrictor';
import { NotInPlaceError } from '../errors/not-in-place-error';
import type { Catalog } from '../query/catalog/catalog';
import type { MethodChoice } from '../query/rewrite/method';
import type { CacheHelper } from './cache-helper';
import { rawTypes, type Session } from './session';

/** What can be read in place of matches, and why others are left out. */
export interface InPlaceMatches {
  readonly matches: readonly InPlaceMatch[];
  readonly reasons: readonly string[];
}

/** Whether SQL can read a cache of this kind. */
export function isReadInPlace(helper: CacheHelper): boolean {
  const { backend, config } = helper.parts();
  return backend.lazy !== undefined && config.cache.backend.startsWith('postgresql_');
}

/** Throws NotInPlaceError for a cache that SQL cannot read. */
export function checkInPlace(helper: CacheHelper): void {
  if (isReadInPlace(helper)) return;
  const { config } = helper.parts();
  throw new NotInPlaceError(config.cache.backend, 'it is not kept in tables of PostgreSQL');
}

/**
 * The keys of classes as SQL that the session's role may run. Rejects with NotInPlaceError if it may not, if the cache is in another database, or if
 * it cannot be read so.
 */
export async function readInPlace(
  helper: CacheHelper,
  reading: Reading,
  matches: readonly ClassMatch[],
  {
    method,
    alias,
    session,
  }: { method: MethodChoice; alias: string | undefined; session: Session | undefined },
  catalog: Catalog,
): Promise<InPlaceMatches> {
  const { backend, config, partitionKey } = helper.parts();
  const { database } = helper.queries();
  const canMakeTables = reading.context.canMakeTables === true && mayUseTables(reading);
  const found = matches.map((match) =>
    keysInPlace(
      match,
      {
        backend,
        maxKeyShare: database.partitionKeys.get(partitionKey)?.maxKeyShare ?? 1,
        methods: methodsFor(method, match.entries[0]?.keyCount ?? 0, canMakeTables),
        alias,
      },
      catalog,
    ),
  );
  if (found.includes(undefined))
    throw new NotInPlaceError(config.cache.backend, 'it takes the extension pg_roaringbitmap there');
  const inPlace = found.flatMap((each) => (each === undefined || 'refused' in each ? [] : [each]));
  const [first] = inPlace;
  if (first !== undefined && !(await isTrue(helper, first.readable, session)))
    throw new NotInPlaceError(
      config.cache.backend,
      'the role may not read them, or they are in another database; see `pcache manage grants --client`',
    );
  return {
    matches: inPlace,
    reasons: found.flatMap((each) => (each !== undefined && 'refused' in each ? [each.refused] : [])),
  };
}

/** What a boolean expression is in the session that the query is for. */
async function isTrue(
  helper: CacheHelper,
  expression: string,
  session: Session | undefined,
): Promise<boolean> {
  const text = `SELECT ${expression} AS is_true`;
  if (session === undefined) {
    const { pool } = helper.queries();
    const [row] = await pool.withClient((client) => client.execute<{ is_true: boolean }>('a question', text));
    return row?.is_true === true;
  }
  const { rows } = await session.query({ text, values: [], rowMode: 'array', types: rawTypes });
  const [row] = rows;
  return Array.isArray(row) && (row[0] === true || row[0] === 't');
}
