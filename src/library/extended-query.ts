import type { Refused } from '../engine/given-keys';
import type { Reading } from '../engine/reading';
import type { RestrictedText } from '../engine/restrict-statement';
import type { KeyTable } from '../query/rewrite/key-table';
import type { RestrictOptions } from './query-options';
import { isHarmless, noteHarmless } from './restricted-before';

/** A query, with keys in it or as it was. */
export interface ExtendedQuery {
  /**
   * What to run. With temporary tables several statements in one text, of which the query is the one at `setup.length`, to be sent as it is,
   * without parameters; PostgreSQL takes them back if one fails. Otherwise one statement, or as many as were given.
   */
  readonly query: string;
  /** The query alone. */
  readonly statement: string;
  /** What has to be run before it, in the same session: for queries with parameters, which go one by one. */
  readonly setup: readonly string[];
  /** And what behind it. */
  readonly teardown: readonly string[];
  /** Why the query is as it was; undefined: keys are in it. */
  readonly reason: string | undefined;
}

export function leftAlone(query: string, reason: string): ExtendedQuery {
  return { query, statement: query, setup: [], teardown: [], reason };
}

/**
 * @param isHarmless whether the query could not fail before
 * @param isPlain leaves out indexes and statistics of temporary tables
 */
export function withKeys(
  statement: string,
  tables: readonly KeyTable[],
  { isHarmless, isPlain }: { readonly isHarmless: boolean; readonly isPlain: boolean },
): ExtendedQuery {
  if (isHarmless) noteHarmless(statement);
  const setup = tables.flatMap(({ create }) => (isPlain ? create.slice(0, 1) : create));
  const teardown = tables.map(({ drop }) => drop);
  const own = withoutEnd(statement);
  // A comment at the end of the query must not swallow what follows.
  const query = tables.length === 0 ? statement : [...setup, `${own}\n`, ...teardown].join(';\n');
  return { query, statement, setup, teardown, reason: undefined };
}

/** The query as it was restricted, or left alone for what was in the way. */
export function extended(
  restricted: RestrictedText | Refused,
  reading: Reading,
  { query, analyzeTmpTable }: RestrictOptions,
): ExtendedQuery {
  if ('refused' in restricted) return leftAlone(query, restricted.refused);
  return withKeys(restricted.text, restricted.tables, {
    isHarmless: isHarmless(query, reading),
    isPlain: analyzeTmpTable === false,
  });
}

/** Tables are made for single statements only: what ends one there is no part of it. */
function withoutEnd(statement: string): string {
  return statement.replace(/;\s*$/, '');
}
