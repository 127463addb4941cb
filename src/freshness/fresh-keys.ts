import type { EntryOrigin } from '../cache/cache-backend';
import type { CatalogReading } from '../query/catalog/catalog';
import { quoteIdentifier, quoteLiteral } from '../query/ast/quote';
import {
  integerRanges,
  keyArray,
  type ElementType,
  type RestrictingKeys,
} from '../query/rewrite/restriction';
import { inLeader } from './in-leader';

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
  /** When the catalog was read by which the statement is understood, and its version then. */
  readonly catalog: Pick<CatalogReading, 'snapshot' | 'version'>;
}

/** Where all keys are: a table of the class with as few rows as any, its column of the same type and collation as the restricted one. */
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
} as const satisfies Readonly<Record<ElementType, string>>;

const typesOfLogs = {
  integer: 'int8',
  float: 'float8',
  text: 'text',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
} as const satisfies Readonly<Record<string, ElementType>>;

/**
 * The keys a column may still have, as rows, some of them twice: the known keys, those changed since they were known, and every key if
 * nothing can be said (rules F3, F4). A SELECT that is evaluated in the client's own statement, hence in its snapshot and with its role.
 *
 * Every key is found in a table of the class, in the same snapshot: a row of the block has its key there as well. DISTINCT, for an
 * array of them has at most 2^27 elements, and an error would be the client's (rule F5).
 *
 * @param keys a SELECT of the known ones, of the element type
 */
export function freshKeys(
  keys: string,
  elementType: ElementType,
  freshness: Freshness,
  all: TableOfKeys,
): string {
  const range = integerRanges[elementType];
  const within =
    range === undefined
      ? ''
      : ` WHERE c.key OPERATOR(pg_catalog.>=) ${range[0]} AND c.key OPERATOR(pg_catalog.<=) ${range[1]}`;
  const type = `pg_catalog.${elementType}`;
  return (
    keys +
    ` UNION ALL ${changedKeysSql(freshness.schema, elementType, freshness.seen, freshness.sources)}${within}` +
    ` UNION ALL SELECT DISTINCT t.${quoteIdentifier(all.column)}::${type} FROM ${all.table} AS t` +
    // A sub-select, to be asked once: of a partitioned table, every partition's scan has the condition.
    ` WHERE ${inLeader} AND (SELECT ${isUncertainSql(freshness)})`
  );
}

/** Keys that a restriction has as constants, and of which log those are that may have come since. */
export interface ConstantKeys {
  readonly keys: RestrictingKeys;
  readonly elementType: ElementType;
  readonly freshness: Freshness;
}

/** The SQLSTATE of a statement whose guard did not let it go on (sql/freshness/migrations/0002-guard.sql). */
export const guardSqlState = 'PC001';

/**
 * An expression that is 0 while constant keys are all that a statement's columns may have: nothing has changed, or what has is among them. Otherwise it
 * raises an error. It is to be evaluated in the client's own statement, before its first row.
 *
 * @param restrictions at least one
 */
export function guardSql(restrictions: readonly [ConstantKeys, ...ConstantKeys[]]): string {
  const conditions = new Set(
    restrictions.flatMap(({ keys, elementType, freshness }) => {
      const type = typesOfLogs[logs[elementType]];
      const changed = changedKeysSql(freshness.schema, type, freshness.seen, freshness.sources);
      const isKnown = `c.key OPERATOR(pg_catalog.=) ANY (${keyArray(keys, type)})`;
      return [
        `NOT (${isUncertainSql(freshness)})`,
        `NOT EXISTS (SELECT FROM (${changed}) AS c WHERE NOT ${isKnown})`,
      ];
    }),
  );
  const [{ freshness }] = restrictions;
  return `(SELECT ${quoteIdentifier(freshness.schema)}.zero_if(${[...conditions].join(' AND ')}))`;
}

/** Whether every key may be one that a statement's rows have, whatever is known. */
function isUncertainSql(freshness: Freshness): string {
  const schema = quoteIdentifier(freshness.schema);
  const snapshot = (text: string): string => `${quoteLiteral(text)}::pg_catalog.pg_snapshot`;
  const arguments_ = [
    snapshot(freshness.seen),
    snapshot(freshness.known),
    numberArray(freshness.sources),
    numberArray(freshness.reads),
    `${quoteLiteral(freshness.epoch)}::pg_catalog.uuid`,
    `${quoteLiteral(freshness.server)}::pg_catalog.text`,
  ];
  return (
    `${schema}.unusable(${arguments_.join(', ')})` +
    ` OR ${schema}.catalog_changed(${snapshot(freshness.catalog.snapshot)}, ${version(freshness.catalog)})`
  );
}

function version({ version }: Pick<CatalogReading, 'version'>): string {
  return `${BigInt(version)}::pg_catalog.int8`;
}

/** A SELECT of the keys that changed since a snapshot in tables that the key ties together; they are called `c.key`. */
export function changedKeysSql(
  schema: string,
  elementType: ElementType,
  seen: string,
  sources: readonly number[],
): string {
  const changed = `${quoteIdentifier(schema)}.changed_${logs[elementType]}`;
  const since = `${quoteLiteral(seen)}::pg_catalog.pg_snapshot`;
  return `SELECT c.key::pg_catalog.${elementType} FROM ${changed}(${since}, ${numberArray(sources)}) AS c (key)`;
}

function numberArray(values: readonly number[]): string {
  for (const value of values)
    if (!Number.isSafeInteger(value)) throw new Error(`${value} is no source's number`);
  return `'{${values.join(',')}}'::pg_catalog.int4[]`;
}
