import type { LazyKeys } from '../cache/cache-backend';
import type { TableOfKeys } from '../freshness/fresh-keys';
import { inLeader } from '../freshness/in-leader';
import { quoteIdentifier } from '../query/ast/quote';
import { integerRanges, type ElementType } from '../query/rewrite/restriction';

/**
 * A SELECT of the keys that are kept where the statement runs, of the type of the column it is compared with. If the entries are not the very
 * versions that were decided on any more, it gives every key that rows of the class can have: no row is lost to an entry that was replaced, removed,
 * hidden by row-level security, or is newer than the statement's snapshot.
 *
 *   SELECT … WHERE key = ANY (SELECT unnest(keys) FROM entry WHERE hash = …)      -- and the entry was evicted: no row at all
 */
export function rowsInPlace({ rows, changed }: LazyKeys, elementType: ElementType, all: TableOfKeys): string {
  const type = `pg_catalog.${elementType}`;
  return (
    `SELECT ${typed(elementType)} AS key FROM (${rows}) AS i (key)` +
    ` UNION ALL SELECT DISTINCT t.${quoteIdentifier(all.column)}::${type} FROM ${all.table} AS t WHERE ${inLeader} AND (SELECT ${changed})`
  );
}

/** Keys are kept as int8, float8, text, or timestamp, the latter of columns with a time zone in UTC. No row has one that its column cannot hold. */
function typed(elementType: ElementType): string {
  if (elementType === 'timestamptz') return `pg_catalog.timezone('UTC'::pg_catalog.text, i.key)`;
  const key = `i.key::pg_catalog.${elementType}`;
  const range = integerRanges[elementType];
  // Whatever the planner does with conditions: what does not fit is not cast.
  return range === undefined
    ? key
    : `CASE WHEN i.key OPERATOR(pg_catalog.>=) ${range[0]} AND i.key OPERATOR(pg_catalog.<=) ${range[1]} THEN ${key} END`;
}
