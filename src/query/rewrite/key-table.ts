import { quoteIdentifier, type SqlText } from '../ast/quote';

/** A temporary table with the keys of a restriction: what makes it, and what takes it away. */
export interface KeyTable {
  /** With its schema. */
  readonly table: SqlText;
  readonly column: SqlText;
  /** Statements, to be run in one transaction. */
  readonly create: readonly string[];
  readonly drop: string;
}

/**
 * @param name is its own in every session that may have it
 * @param rows a SELECT of the keys, of one column, each once
 * @param isUnique gives it a unique index: a semi-join with it is then an inner join to the planner (reduce_unique_semijoins in
 *   src/backend/optimizer/plan/analyzejoins.c), and every order of joining is open
 */
export function keyTable(name: string, rows: string, isUnique: boolean): KeyTable {
  const table = `pg_temp.${quoteIdentifier(name)}` as SqlText;
  const column = quoteIdentifier('partition_key');
  const fill = `CREATE TEMPORARY TABLE ${table} (${column}) USING heap AS ${rows}`;
  const index = `CREATE UNIQUE INDEX ON ${table} (${column})`;
  return {
    table,
    column,
    create: [fill, ...(isUnique ? [index] : []), `ANALYZE ${table}`],
    drop: `DROP TABLE ${table}`,
  };
}

/** The elements of an array, for a table of them. */
export function rowsOfArray(array: SqlText): string {
  return `SELECT pg_catalog.unnest(${array})`;
}
