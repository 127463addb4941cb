import { quoteIdentifier } from '../../../query/ast/quote';
import type { CacheSchema } from './cache-schema';
import type { KeyColumn, KeyStorage } from './key-storage';

/** The types of the columns of keys, as pg_type calls them. */
export const columnTypes: Readonly<Record<KeyColumn, string>> = {
  integers: '_int8',
  floats: '_float8',
  texts: '_text',
  timestamps: '_timestamp',
  bits: 'varbit',
  roaring: 'bytea',
};

const elementTypes: Readonly<Record<KeyColumn, string>> = {
  integers: 'int8',
  floats: 'float8',
  texts: 'text',
  timestamps: 'timestamp',
  bits: 'int8',
  roaring: 'int8',
};

/**
 * The query of a key set for the function `evaluate` of sql/cache/migrations: the set in the form its column has, the same to the byte as `KeyStorage.encode`
 * makes it, with what is to be known of it. It runs under a fragment's settings, so every name and operator is qualified. undefined if the server
 * cannot make that form.
 *
 * @param keys a SELECT of `key` and `weight`; see InPlaceEntry
 */
export function inPlaceQuery(
  column: KeyColumn,
  storage: KeyStorage,
  names: CacheSchema,
  keys: string,
  { maxKeys, maxBytes }: { readonly maxKeys: number; readonly maxBytes: number },
): string | undefined {
  const sorted = sortedArray(keys, elementTypes[column], maxKeys, maxBytes);
  if (column === 'bits') return bitsQuery(sorted, storage, names);
  if (column === 'roaring') return roaringQuery(sorted, storage);
  return (
    `SELECT a.keys, pg_catalog.cardinality(a.keys)::pg_catalog.int8, a.has_null_key, ` +
    `pg_catalog.octet_length(pg_catalog.array_send(a.keys))::pg_catalog.int8, a.row_count, a.weight, NULL::pg_catalog.int8 ` +
    `FROM (${sorted}) AS a`
  );
}

/**
 * The keys in order, each once. Rows are read up to one more than may be kept besides NULL, and their keys held until they weigh too much; that more were
 * there shows in the counts. A duplicate of NULL counts as a key: too many rather than too few.
 */
function sortedArray(keys: string, elementType: string, maxKeys: number, maxBytes: number): string {
  const array = `pg_catalog.array_agg(DISTINCT k.key ORDER BY k.key) FILTER (WHERE k.key IS NOT NULL AND k.total ${atMost} ${maxBytes})`;
  return (
    `SELECT coalesce(${array}, '{}'::pg_catalog.${elementType}[]) AS keys, ` +
    `coalesce(pg_catalog.bool_or(k.key IS NULL), false) AS has_null_key, ` +
    `greatest(pg_catalog.count(k.key), pg_catalog.count(*) ${minus} 1) AS row_count, ` +
    `coalesce(pg_catalog.max(k.total), 0) AS weight ` +
    `FROM (SELECT s.key, pg_catalog.row_number() OVER w AS number, pg_catalog.sum(s.weight::pg_catalog.int4) OVER w AS total ` +
    `FROM (${keys}) AS s WINDOW w AS (ROWS UNBOUNDED PRECEDING)) AS k WHERE k.number ${atMost} ${maxKeys + 2}`
  );
}

/** OFFSET 0 keeps a set from being made once for each place that mentions it. */
function bitsQuery(sorted: string, { capabilities }: KeyStorage, names: CacheSchema): string {
  const bitsOf = `${quoteIdentifier(names.schema)}.${quoteIdentifier(`${names.tablePrefix}bits_of`)}`;
  const highest = 'a.keys[pg_catalog.cardinality(a.keys)]';
  const { min = 0n, max = 0n } = capabilities.integerRange ?? {};
  return (
    `SELECT b.bits, b.key_count, b.has_null_key, pg_catalog.octet_length(pg_catalog.varbit_send(b.bits))::pg_catalog.int8, ` +
    `b.row_count, b.weight, b.outside FROM (` +
    `SELECT CASE WHEN o.outside IS NULL THEN ${bitsOf}(o.keys) END AS bits, ` +
    `pg_catalog.cardinality(o.keys)::pg_catalog.int8 AS key_count, o.has_null_key, o.row_count, o.weight, o.outside FROM (` +
    `SELECT a.keys, a.has_null_key, a.row_count, a.weight, ` +
    `CASE WHEN a.keys[1] ${below} ${min} THEN a.keys[1] WHEN a.keys[1] ${above} ${max} THEN a.keys[1] WHEN ${highest} ${above} ${max} THEN ${highest} END AS outside ` +
    `FROM (${sorted}) AS a OFFSET 0) AS o OFFSET 0) AS b`
  );
}

function roaringQuery(sorted: string, { extension }: KeyStorage): string | undefined {
  if (extension === undefined) return undefined;
  const schema = quoteIdentifier(extension);
  return (
    `SELECT r.keys::pg_catalog.bytea, ${schema}.rb64_cardinality(r.keys), r.has_null_key, ` +
    `pg_catalog.octet_length(r.keys::pg_catalog.bytea)::pg_catalog.int8, r.row_count, r.weight, NULL::pg_catalog.int8 ` +
    `FROM (SELECT ${schema}.rb64_build(a.keys) AS keys, a.has_null_key, a.row_count, a.weight FROM (${sorted}) AS a OFFSET 0) AS r`
  );
}

const atMost = 'OPERATOR(pg_catalog.<=)';
const below = 'OPERATOR(pg_catalog.<)';
const above = 'OPERATOR(pg_catalog.>)';
const minus = 'OPERATOR(pg_catalog.-)';
