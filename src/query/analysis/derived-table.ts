import type { Alias, CommonTableExpr, SelectStmt } from '@pgsql/types';
import { stringsOf } from '../ast/names';
import type { CatalogColumn, CatalogRelation } from '../catalog/catalog';
import type { ColumnOrigin, OutputColumn, QueryOutputs } from './query-outputs';

/** A derived table or a CTE in FROM, as far as its columns are known to be columns of tables handed on. */
export interface DerivedTable {
  /** A relation of no schema, with the columns that are known. */
  readonly relation: CatalogRelation;
  /** Where the known columns come from, by name. */
  readonly origins: ReadonlyMap<string, readonly ColumnOrigin[]>;
  /** Nobody else reads the same query's rows: it may be restricted for the sake of who reads them here. */
  readonly isUsedOnce: boolean;
  /** All names its columns have; undefined if not all are known. */
  readonly names: ReadonlySet<string> | undefined;
}

/**
 * The table that a query in FROM is to the block around it: `(SELECT …) AS alias (a, b)`, or a CTE's name.
 *
 * @returns undefined if nothing is known of it
 */
export function derivedTable(
  outputs: QueryOutputs,
  alias: Alias | undefined,
  cte: CommonTableExpr | undefined,
  isUsedOnce: boolean,
): DerivedTable | undefined {
  const renamed = rename(rename(outputs, stringsOf(cte?.aliascolnames)), stringsOf(alias?.colnames));
  if (renamed === undefined) return undefined;
  const columns = new Map<string, CatalogColumn>();
  const origins = new Map<string, readonly ColumnOrigin[]>();
  for (const output of renamed.columns) {
    // A name that two columns have cannot be used.
    if (
      output.name === undefined ||
      renamed.columns.some((other) => other !== output && other.name === output.name)
    )
      continue;
    if (output.column === undefined) continue;
    // A CTE, or the nullable side of a join inside it, may have lost the constraint.
    columns.set(output.name, { ...output.column, name: output.name, isNotNull: false });
    origins.set(output.name, output.origins);
  }
  const names = renamed.columns.map(({ name }) => name);
  const areNamesKnown = renamed.isComplete && !names.includes(undefined);
  return {
    relation: { ...noRelation, name: alias?.aliasname ?? cte?.ctename ?? '', columns },
    origins,
    isUsedOnce,
    names: areNamesKnown ? new Set(names.filter((name) => name !== undefined)) : undefined,
  };
}

const noRelation: CatalogRelation = {
  oid: 0,
  schema: '',
  name: '',
  kind: 'derived',
  hasRowSecurity: false,
  hasColumnPrivileges: false,
  rowCount: 0,
  columns: new Map(),
};

/** Gives the first columns other names, `AS x (a, b)`: which they are must be known. */
function rename(
  outputs: QueryOutputs | undefined,
  names: readonly string[] | undefined,
): QueryOutputs | undefined {
  if (outputs === undefined || names === undefined) return undefined;
  if (names.length === 0) return outputs;
  if (!outputs.isComplete || !outputs.isOrdered) return undefined;
  const columns = outputs.columns.map((column, i): OutputColumn => ({
    ...column,
    name: names[i] ?? column.name,
  }));
  return { ...outputs, columns };
}

/** A query in FROM that is a SELECT; anything else is not looked into. */
export function selectIn(query: object | undefined): SelectStmt | undefined {
  return query !== undefined && 'SelectStmt' in query ? (query.SelectStmt as SelectStmt) : undefined;
}
