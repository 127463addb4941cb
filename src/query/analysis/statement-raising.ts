import type { FuncCall, Node, SelectStmt } from '@pgsql/types';
import { stringsOf } from '../ast/names';
import { walk } from '../ast/walk';
import { blocksOf } from './blocks';
import { canonicaliseNode } from './canonicalise';
import { operandsOfAnd } from './conjuncts';
import { isUnusable, type ExpressionScope } from './expression';

/** Aggregates that are defined for any rows, and see the same rows with a restriction as without. */
const totalAggregates: ReadonlySet<string> = new Set([
  'count',
  'min',
  'max',
  'sum',
  'avg',
  'array_agg',
  'string_agg',
  'bool_and',
  'bool_or',
]);

/**
 * Rule S12. A restriction changes the plan, and with it the rows on which a condition is evaluated before another has
 * filtered them. So everything that is evaluated below the statement's own result rows must be known not to raise: all
 * WHERE and ON clauses, and whatever nested blocks compute.
 */
export function mayRaiseInStatement(
  statement: SelectStmt,
  scopeOf: (block: SelectStmt) => ExpressionScope | undefined,
): boolean {
  if (hasComputedRows(statement)) return true;
  return blocksOf(statement).some(({ select, isTopLevel }) => {
    const own = scopeOf(select);
    if (own === undefined) return true;
    const scope = withoutOuterJoins(own);
    const isQuiet = (node: Node): boolean => isKnownQuiet(node, scope);
    if (select.whereClause !== undefined && !operandsOfAnd(select.whereClause).every(isQuiet)) return true;
    if (!joinConditions(select.fromClause).flatMap(operandsOfAnd).every(isQuiet)) return true;
    return (
      !isTopLevel && !nestedExpressions(select).every((node) => isAggregate(node, scope) || isQuiet(node))
    );
  });
}

/** Functions in FROM, and expressions in a VALUES list or a nested SELECT without FROM, such as `LATERAL (SELECT 1 / p.x)`. */
function hasComputedRows(statement: SelectStmt): boolean {
  let found = false;
  walk(statement, (kind, fields) => {
    if (kind === 'RangeFunction') found = true;
    if (kind === 'SelectStmt' && fields['fromClause'] === undefined && fields['larg'] === undefined) {
      walk([fields['targetList'], fields['valuesLists'], fields['whereClause']], (below) => {
        if (!plainNodes.has(below)) found = true;
        return !found;
      });
    }
    return !found;
  });
  return found;
}

const plainNodes: ReadonlySet<string> = new Set([
  'ResTarget',
  'List',
  'A_Const',
  'ColumnRef',
  'String',
  'A_Star',
  'ParamRef',
]);

/** A sub-select in an expression is quiet if its block is, and blocks are all looked at by themselves. */
function isKnownQuiet(node: Node, scope: ExpressionScope): boolean {
  if (
    'SubLink' in node &&
    (node.SubLink.subLinkType === 'EXISTS_SUBLINK' || node.SubLink.subLinkType === 'ARRAY_SUBLINK')
  )
    return true;
  if ('ColumnRef' in node) return true;
  const expression = scope.canonicalise(node);
  return !isUnusable(expression) && !expression.mayRaise;
}

/** For this question columns of a null-extended side are as good as others. */
function withoutOuterJoins(scope: ExpressionScope): ExpressionScope {
  const wide: ExpressionScope = {
    ...scope,
    tables: scope.tables.map((table) => ({ ...table, isNullable: false })),
    canonicalise: (node) => canonicaliseNode(node, wide),
  };
  return wide;
}

function joinConditions(from: readonly Node[] | undefined): readonly Node[] {
  const conditions: Node[] = [];
  walk(from, (kind, fields) => {
    if (kind === 'SelectStmt') return false;
    if (kind === 'JoinExpr' && fields['quals'] !== undefined) conditions.push(fields['quals'] as Node);
    return true;
  });
  return conditions;
}

function nestedExpressions(select: SelectStmt): readonly Node[] {
  const targets = (select.targetList ?? []).flatMap((target) =>
    'ResTarget' in target && target.ResTarget.val !== undefined ? [target.ResTarget.val] : [],
  );
  const others = [select.havingClause, select.limitCount, select.limitOffset].filter(
    (node) => node !== undefined,
  );
  const sorted = (select.sortClause ?? []).flatMap((sort) =>
    'SortBy' in sort && sort.SortBy.node ? [sort.SortBy.node] : [],
  );
  const distinct = (select.distinctClause ?? []).filter((node) => Object.keys(node).length > 0);
  return [...targets, ...others, ...sorted, ...distinct, ...(select.groupClause ?? [])];
}

function isAggregate(node: Node, scope: ExpressionScope): boolean {
  if (!('FuncCall' in node)) return false;
  const call: FuncCall = node.FuncCall;
  const name = stringsOf(call.funcname)?.at(-1) ?? '';
  if (!totalAggregates.has(name) || call.over !== undefined || call.agg_filter !== undefined) return false;
  return (call.args ?? []).every((arg) => isKnownQuiet(arg, scope));
}
