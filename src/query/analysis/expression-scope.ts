import type { BlockTable, FromClause } from './block-tables';
import { canonicaliseNode } from './canonicalise';
import { remembering, type ExpressionScope, type ParameterValue } from './expression';
import type { NameContext } from './statement-check';
import type { PartitionKey } from '../partition-key';

/** What the expressions of a statement are read against, whatever block they are in. */
export interface StatementScope extends NameContext {
  readonly partitionKeys: readonly PartitionKey[];
  parameter(number: number): ParameterValue | undefined;
}

/** The scope of a block's own expressions. */
export function expressionScope(
  from: FromClause,
  context: StatementScope,
  relationOf: ExpressionScope['relationOf'],
): ExpressionScope {
  const scope: ExpressionScope = {
    catalog: context.catalog,
    searchPath: context.searchPath,
    partitionKeys: context.partitionKeys,
    tables: from.tables,
    outer: undefined,
    relationOf,
    isMerged: (column) => from.isMerged(column),
    parameter: (number) => context.parameter(number),
    canonicalise: remembering((node) => canonicaliseNode(node, scope)),
  };
  return scope;
}

/** Numbers of a sub-select's tables begin here, and those of one within it at twice that. */
const tablesPerDepth = 1_000;

/** The scope of a sub-select in an expression of another scope: names that are not of its own tables are of the other's. */
export function subselectScope(outer: ExpressionScope, tables: readonly BlockTable[]): ExpressionScope {
  const first = depthOf(outer) * tablesPerDepth + tablesPerDepth;
  const scope: ExpressionScope = {
    ...outer,
    tables: tables.map((table, i) => ({ ...table, index: first + i })),
    outer,
    isMerged: () => false,
    canonicalise: remembering((node) => canonicaliseNode(node, scope)),
  };
  return scope;
}

/** How many sub-selects an expression of the scope is in. */
export function depthOf({ outer }: ExpressionScope): number {
  return outer === undefined ? 0 : depthOf(outer) + 1;
}

/** The table with a number, in the scope or one around it. */
export function tableNumbered(index: number, scope: ExpressionScope): BlockTable | undefined {
  return (
    scope.tables.find((table) => table.index === index) ??
    (scope.outer === undefined ? undefined : tableNumbered(index, scope.outer))
  );
}
