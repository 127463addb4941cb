import type { EntryOrigin } from '../cache/cache-backend';
import { quoteIdentifier, quoteLiteral, type SqlText } from '../query/ast/quote';

/**
 * What a restriction is to be kept fresh with: entries of one tracking and one server (stamp-entry.sql), intersected or alone. Its sources
 * and reads are those of all of them.
 */
export interface Freshness extends EntryOrigin {
  /** Where the change logs are. */
  readonly schema: string;
  /** What every one of the entries has seen (seenByAll). */
  readonly seen: string;
  /** What any of them has seen (seenByAny). */
  readonly known: string;
}

/** The column the restriction is on. A table with as few rows as any of its class serves best, of the same type and collation. */
export interface TableOfKeys {
  /** As it stands in FROM, quoted and qualified; ONLY if the statement says so. */
  readonly table: string;
  readonly column: string;
}

/** Which log the keys of a column are in, by the type of array it is compared with. */
const logs = {
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  float8: 'float',
  text: 'text',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
} as const;
export type ElementType = keyof typeof logs;

const integerRanges: Readonly<Partial<Record<ElementType, readonly [string, string]>>> = {
  int2: ['-32768', '32767'],
  int4: ['-2147483648', '2147483647'],
};

/**
 * The array to compare a key column with, by `= ANY (…)`: the known keys, those changed since they were known, and every key if nothing can be
 * said (rules F3, F4). It is evaluated in the client's own statement, hence in its snapshot and with its role, once for each execution.
 *
 * Every key is found in a table of the class, in the same snapshot: a row of the block has its key there as well. DISTINCT, for an
 * array has at most 2^27 elements, and an error would be the client's (rule F5).
 *
 * @param keys an array of the element type, as keyArray makes it
 */
export function freshKeys(
  keys: SqlText,
  elementType: ElementType,
  freshness: Freshness,
  all: TableOfKeys,
): string {
  const schema = quoteIdentifier(freshness.schema);
  const snapshot = (text: string): string => `${quoteLiteral(text)}::pg_catalog.pg_snapshot`;
  const sources = numberArray(freshness.sources);
  const arguments_ = [
    snapshot(freshness.seen),
    snapshot(freshness.known),
    sources,
    numberArray(freshness.reads),
    `${quoteLiteral(freshness.epoch)}::pg_catalog.uuid`,
    `${quoteLiteral(freshness.server)}::pg_catalog.text`,
  ];
  const log = logs[elementType];
  const range = integerRanges[elementType];
  const within =
    range === undefined
      ? ''
      : ` WHERE c.key OPERATOR(pg_catalog.>=) ${range[0]} AND c.key OPERATOR(pg_catalog.<=) ${range[1]}`;
  const type = `pg_catalog.${elementType}`;
  return (
    `ARRAY(SELECT pg_catalog.unnest(${keys})` +
    ` UNION ALL SELECT c.key::${type} FROM ${schema}.changed_${log}(${snapshot(freshness.seen)}, ${sources}) AS c (key)${within}` +
    ` UNION ALL SELECT DISTINCT t.${quoteIdentifier(all.column)}::${type} FROM ${all.table} AS t` +
    ` WHERE ${schema}.unusable(${arguments_.join(', ')}))`
  );
}

function numberArray(values: readonly number[]): string {
  for (const value of values)
    if (!Number.isSafeInteger(value)) throw new Error(`${value} is no source's number`);
  return `'{${values.join(',')}}'::pg_catalog.int4[]`;
}
