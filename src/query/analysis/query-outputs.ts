import type { Node, ResTarget, SelectStmt } from '@pgsql/types';
import { stringsOf } from '../ast/names';
import { walk } from '../ast/walk';
import type { CatalogColumn } from '../catalog/catalog';
import type { BlockTable, FromClause } from './block-tables';
import { isUnusable, type ExpressionScope } from './expression';

/** What a query's rows consist of. */
export interface QueryOutputs {
  readonly columns: readonly OutputColumn[];
  /** There are no columns but these. */
  readonly isComplete: boolean;
  /** They are in the order of the query's. */
  readonly isOrdered: boolean;
}

export interface OutputColumn {
  /** undefined: PostgreSQL makes one up, of whatever the expression is. */
  readonly name: string | undefined;
  /** Set if the column is one of a table, handed on unchanged: then its type is known. */
  readonly column: CatalogColumn | undefined;
  readonly origins: readonly ColumnOrigin[];
}

/** A table's column that an output column's values come from. A branch of a set operation is one of several. */
export interface ColumnOrigin {
  readonly select: SelectStmt;
  readonly table: BlockTable;
  readonly column: string;
  /**
   * Each value of the output column is that of some row of the block it comes from. What is known of the block's keys then
   * holds for the rows around it, too.
   */
  readonly isOutward: boolean;
  /**
   * Rows with one value depend on the block's rows with that value only: without those of the block with some value, the query
   * returns the same but for its rows with that value. If nobody wants these, the block need not return them:
   *
   *   no LIMIT          SELECT k FROM t ORDER BY x LIMIT 3                    -- others would move up
   *   no window         SELECT k, rank() OVER (ORDER BY x) FROM t             -- others would be ranked otherwise
   *   no DISTINCT ON    SELECT DISTINCT ON (a) a, k FROM t ORDER BY a, x      -- another row of the same a would come out
   *   no grouping sets  SELECT k, count(*) FROM t GROUP BY ROLLUP (k)         -- the grand total counts them
   *
   * GROUP BY is as it should be: a group in which a column has one value, as it must have to be selected, goes or stays whole.
   * So are DISTINCT, HAVING, and set operations: how often a row comes out depends on how often that row goes in.
   */
  readonly isInward: boolean;
}

/** What is known of a block inside the query. */
export interface ReadBlock {
  readonly from: FromClause;
  readonly scope: ExpressionScope;
}

export const unknownOutputs: QueryOutputs = { columns: [], isComplete: false, isOrdered: false };

/** The columns of a query that is no set operation. */
export function outputsOfBlock(select: SelectStmt, { from, scope }: ReadBlock): QueryOutputs {
  if (select.valuesLists !== undefined) return unknownOutputs;
  const isInward = !dependsOnOtherRows(select);
  const outputs: OutputColumn[] = [];
  let isComplete = true;
  let isOrdered = true;
  const handOn = (table: BlockTable, name: string, as = name): OutputColumn => {
    const column = table.relation.columns.get(name);
    if (column === undefined || table.isNullable || table.isHidden) return computed(as);
    // What is computed when it is read is no plain column; nor is one whose values `=` does not tell apart.
    if (!column.hasDeterministicCollation || scope.catalog.isComputedWhenRead(name)) return computed(as);
    return { name: as, column, origins: [{ select, table, column: name, isOutward: true, isInward }] };
  };
  for (const target of select.targetList ?? []) {
    if (!('ResTarget' in target)) return unknownOutputs;
    const tables = starTables(target.ResTarget.val, from);
    if (tables === undefined) {
      const found = plainColumn(target.ResTarget, from, scope);
      outputs.push(
        found === undefined
          ? computed(nameOf(target.ResTarget))
          : handOn(found.table, found.name, target.ResTarget.name ?? found.name),
      );
      continue;
    }
    for (const table of tables) {
      const names = namesOf(table);
      if (names === undefined) isComplete = false;
      for (const name of names ?? table.relation.columns.keys())
        outputs.push(from.isMerged(name) ? computed(name) : handOn(table, name));
    }
    if (isStar(target.ResTarget.val) && (from.hasUnknown || from.hasMerged)) {
      isComplete &&= !from.hasUnknown;
      isOrdered = false;
    }
    if (tables.length === 0) isComplete = false;
    if (tables.some(({ derived }) => derived !== undefined)) isOrdered = false;
  }
  return { columns: outputs, isComplete, isOrdered: isOrdered && isComplete };
}

/** The columns of a set operation, by position: those that are of the same type in both branches. */
export function outputsOfSetOperation(
  { op, limitCount, limitOffset }: SelectStmt,
  left: QueryOutputs,
  right: QueryOutputs,
): QueryOutputs {
  if (!left.isOrdered || !right.isOrdered) return unknownOutputs;
  const isLimited = limitCount !== undefined || limitOffset !== undefined;
  // A row of a UNION is one of either branch, a row of an EXCEPT one of the left, a row of an INTERSECT one of both.
  const ofBranch = (origins: readonly ColumnOrigin[], isOutward: boolean): readonly ColumnOrigin[] =>
    origins.map((origin) => ({
      ...origin,
      isOutward: origin.isOutward && isOutward,
      isInward: origin.isInward && !isLimited,
    }));
  const columns = left.columns.map((column, i): OutputColumn => {
    const other = right.columns[i];
    const isSame =
      column.column !== undefined &&
      column.column.typeOid === other?.column?.typeOid &&
      column.column.collationOid === other.column.collationOid;
    if (!isSame) return computed(column.name);
    return {
      ...column,
      origins: [
        ...ofBranch(column.origins, op !== 'SETOP_UNION'),
        ...ofBranch(other.origins, op === 'SETOP_INTERSECT'),
      ],
    };
  });
  return { columns, isComplete: true, isOrdered: true };
}

/** The names of a table's columns; undefined if they are not known. */
export function namesOf({ relation, derived, isHidden }: BlockTable): ReadonlySet<string> | undefined {
  if (isHidden) return undefined;
  if (derived !== undefined) return derived.names;
  return relation.columns.size === 0 ? undefined : new Set(relation.columns.keys());
}

function computed(name: string | undefined): OutputColumn {
  return { name, column: undefined, origins: [] };
}

function dependsOnOtherRows(select: SelectStmt): boolean {
  const { limitCount, limitOffset, distinctClause, groupClause, targetList, sortClause } = select;
  if (limitCount !== undefined || limitOffset !== undefined) return true;
  if ((distinctClause ?? []).some((node) => Object.keys(node).length > 0)) return true;
  if ((groupClause ?? []).some((node) => 'GroupingSet' in node)) return true;
  let hasWindow = false;
  walk([targetList, sortClause], (kind, fields) => {
    if (kind === 'FuncCall' && fields['over'] !== undefined) hasWindow = true;
    return !hasWindow;
  });
  return hasWindow;
}

/** The tables whose columns `*` or `t.*` stands for; undefined for another expression. */
function starTables(node: Node | undefined, from: FromClause): readonly BlockTable[] | undefined {
  if (node === undefined || !('ColumnRef' in node)) return undefined;
  const fields = node.ColumnRef.fields ?? [];
  const [last] = fields.slice(-1);
  if (last === undefined || !('A_Star' in last)) return undefined;
  if (fields.length === 1) return from.tables;
  const [alias, ...others] = stringsOf(fields.slice(0, -1)) ?? [];
  return others.length > 0 ? [] : from.tables.filter((table) => table.alias === alias);
}

function isStar(node: Node | undefined): boolean {
  return node !== undefined && 'ColumnRef' in node && node.ColumnRef.fields?.length === 1;
}

function plainColumn(
  { val }: ResTarget,
  from: FromClause,
  scope: ExpressionScope,
): { readonly table: BlockTable; readonly name: string } | undefined {
  if (val === undefined || !('ColumnRef' in val)) return undefined;
  const expression = scope.canonicalise(val);
  if (!isUnusable(expression)) return expression.column;
  const [name, ...others] = stringsOf(val.ColumnRef.fields) ?? [];
  return name === undefined || others.length > 0 ? undefined : mergedColumn(name, from);
}

/**
 * A column that inner joins with USING have merged, where all it was merged from are of one type: then it is each of them.
 * With an outer join it is one side's, or either's.
 */
function mergedColumn(
  name: string,
  from: FromClause,
): { readonly table: BlockTable; readonly name: string } | undefined {
  if (!from.isMerged(name) || from.hasUnknown) return undefined;
  const owners = from.tables.filter((table) => namesOf(table)?.has(name) !== false);
  const [first] = owners;
  const column = first?.relation.columns.get(name);
  if (first === undefined || column === undefined) return undefined;
  const isAlike = ({ relation, isNullable, isHidden }: BlockTable): boolean => {
    const other = relation.columns.get(name);
    return (
      !isNullable &&
      !isHidden &&
      other?.typeOid === column.typeOid &&
      other.collationOid === column.collationOid
    );
  };
  return owners.every(isAlike) ? { table: first, name } : undefined;
}

/** The name of an output column, where it is plain to see (FigureColname in src/backend/parser/parse_target.c). */
function nameOf({ name, val }: ResTarget): string | undefined {
  if (name !== undefined) return name;
  if (val === undefined) return undefined;
  if ('FuncCall' in val) return stringsOf(val.FuncCall.funcname)?.at(-1);
  return 'ColumnRef' in val ? stringsOf(val.ColumnRef.fields)?.at(-1) : undefined;
}
