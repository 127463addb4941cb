import { quoteIdentifier, quoteLiteral } from '../../../query/ast/quote';
import type { EntryDescription, LazyKeys } from '../../cache-backend';
import type { CacheSchema } from './cache-schema';
import type { KeyColumn, KeyStorage } from './key-storage';

/** All that `rows` and `changed` read, besides the keys; sql/cache/client-grants.sql gives them to clients. */
const pinnedColumns = ['backend', 'partition_key', 'hash', 'status', 'snapshot', 'created_at'] as const;

/**
 * SQL that reads the intersection of these entries where it is: see LazyKeys. Each entry is pinned to the version that was decided on, by its
 * snapshot (or that it has none, as keys that a program gave) and time, and to its number of keys; values are literals, and every name and operator is qualified, for it stands in
 * statements of clients. undefined if an entry has no keys, or cannot be read in this form.
 */
export function lazyKeys(
  entries: readonly EntryDescription[],
  storage: KeyStorage,
  { schema, tablePrefix }: CacheSchema,
): LazyKeys | undefined {
  const [first] = entries;
  if (first === undefined) return undefined;
  const { partitionKey, datatype } = first.fragment;
  const column = storage.column(datatype);
  const form = formOf(column, storage);
  if (form === undefined) return undefined;
  const versions: string[] = [];
  for (const { fragment, status, snapshot, createdAt, keyCount } of entries) {
    if (status !== 'ok' || fragment.partitionKey !== partitionKey) return undefined;
    const isOfSnapshot =
      snapshot === undefined
        ? 'e.snapshot IS NULL'
        : `e.snapshot::pg_catalog.text ${equals} ${quoteLiteral(snapshot)}::pg_catalog.text`;
    versions.push(
      `(e.hash ${equals} pg_catalog.decode('${fragment.hash}', 'hex') ` +
        `AND ${isOfSnapshot} ` +
        `AND e.created_at ${equals} pg_catalog.to_timestamp(${createdAt}::pg_catalog.float8 OPERATOR(pg_catalog./) 1000) ` +
        `AND ${form.count} ${equals} ${keyCount})`,
    );
  }
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(`${tablePrefix}entry`)}`;
  const from =
    `${table} AS e WHERE e.backend ${equals} ${quoteLiteral(storage.name)}::pg_catalog.text ` +
    `AND e.partition_key ${equals} ${quoteLiteral(partitionKey)}::pg_catalog.text ` +
    `AND e.status ${equals} 'ok'::pg_catalog.text AND (${versions.join(' OR ')})`;
  return {
    rows: form.rows(from, entries.length),
    changed: `(SELECT pg_catalog.count(*) OPERATOR(pg_catalog.<>) ${entries.length} FROM ${from})`,
    readable: readable(schema, table, column),
  };
}

const equals = 'OPERATOR(pg_catalog.=)';

/** How the keys of a column are counted and intersected. */
interface LazyForm {
  /** The number of keys of one entry. */
  readonly count: string;
  readonly rows: (from: string, entries: number) => string;
}

function formOf(column: KeyColumn, { extension }: KeyStorage): LazyForm | undefined {
  if (column === 'bits') return bitForm;
  if (column === 'roaring')
    return extension === undefined ? undefined : roaringForm(quoteIdentifier(extension));
  return arrayForm(column);
}

/** Each array holds a key once: one that is there as often as there are arrays is in all of them. */
function arrayForm(column: KeyColumn): LazyForm {
  // Beside a key column of another collation, that of the array would be a conflict when the statement is run.
  const collation = column === 'texts' ? ' COLLATE pg_catalog."default"' : '';
  return {
    count: `pg_catalog.cardinality(e.${column})`,
    rows: (from, entries) =>
      entries === 1
        ? `SELECT k.key${collation} FROM (SELECT e.${column} AS keys FROM ${from}) AS s, pg_catalog.unnest(s.keys) AS k (key)`
        : `SELECT k.key${collation} FROM (SELECT e.${column} AS keys FROM ${from}) AS s, pg_catalog.unnest(s.keys) AS k (key) ` +
          `GROUP BY k.key HAVING pg_catalog.count(*) ${equals} ${entries}`,
  };
}

/** Beyond the end of the shortest, no key is in all of them. */
const bitForm: LazyForm = {
  count: 'pg_catalog.bit_count(e.bits)',
  rows: (from) =>
    `SELECT b.key::pg_catalog.int8 FROM (SELECT pg_catalog.bit_and(pg_catalog.substring(s.bits, 1, s.shortest)) AS bits ` +
    `FROM (SELECT e.bits, pg_catalog.min(pg_catalog.length(e.bits)) OVER () AS shortest FROM ${from}) AS s) AS i, ` +
    `pg_catalog.generate_series(0, pg_catalog.length(i.bits) OPERATOR(pg_catalog.-) 1) AS b (key) ` +
    `WHERE pg_catalog.get_bit(i.bits, b.key) ${equals} 1`,
};

/** A value that is no bitmap makes the statement fail, and the client's with it: pg_roaringbitmap has no way to ask before. */
function roaringForm(extension: string): LazyForm {
  return {
    count: `${extension}.rb64_cardinality(${extension}.roaringbitmap64(e.roaring))`,
    rows: (from) =>
      `SELECT ${extension}.rb64_iterate(${extension}.rb64_and_agg(${extension}.roaringbitmap64(e.roaring))) AS key FROM ${from}`,
  };
}

/** Neither a schema nor a table that is not there makes it fail. */
function readable(schema: string, table: string, column: KeyColumn): string {
  const relation = `pg_catalog.to_regclass(${quoteLiteral(table)})`;
  const columns = [...pinnedColumns, column].map(
    (name) => `pg_catalog.has_column_privilege(${relation}, '${name}', 'SELECT')`,
  );
  const usage = `pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(${quoteLiteral(quoteIdentifier(schema))})::pg_catalog.oid, 'USAGE')`;
  return `(CASE WHEN ${usage} THEN coalesce(${columns.join(' AND ')}, false) ELSE false END)`;
}
