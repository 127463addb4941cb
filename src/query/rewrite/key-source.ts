import type { SqlText } from '../ast/quote';

/** Where the server finds the keys that a restriction lets through: what is read, not how it is used (see KeyPlacement). */
export type KeySource =
  /** An array constant. */
  | { readonly kind: 'constant'; readonly array: SqlText }
  /** A SELECT of one column, of the type of the column that is restricted; it is read when the statement is run. */
  | { readonly kind: 'query'; readonly rows: string }
  /** A column of a table of our own. */
  | { readonly kind: 'table'; readonly table: SqlText; readonly column: SqlText };

/** The keys as one array, as SQL. What is not a constant is read once, before the first row is looked at. */
export function arrayOf(source: KeySource): string {
  return source.kind === 'constant' ? source.array : `ARRAY(${rowsOf(source)})`;
}

/** The keys as rows of one column: a SELECT. */
export function rowsOf(source: KeySource): string {
  switch (source.kind) {
    case 'constant':
      return `SELECT pg_catalog.unnest(${source.array})`;
    case 'query':
      return source.rows;
    case 'table':
      return `SELECT ${source.column} FROM ${source.table}`;
  }
}
