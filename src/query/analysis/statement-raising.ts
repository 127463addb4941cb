import type { ColumnRef, FuncCall, Node, SelectStmt } from '@pgsql/types';
import { qualifiedName, stringsOf } from '../ast/names';
import { walk } from '../ast/walk';
import { blocksOf, plainSelectsOf, type QueryRoot } from './blocks';
import { canonicaliseNode } from './canonicalise';
import { applyOperator } from './expressions/apply-operator';
import { operandsOfAnd } from './conjuncts';
import { isBuiltin, TypeOid } from '../catalog/catalog';
import { isUnusable, remembering, type ExpressionScope } from './expression';
import { namesOf, type ReadBlock } from './query-outputs';
import { comparesWithoutError } from './raising/comparison';
import type { Restrictable } from './restrictable';
import { nodesOf } from './statement-nodes';

/** Aggregates that are defined for any rows of any type. */
const totalAggregates: ReadonlySet<string> = new Set(['count', 'string_agg', 'bool_and', 'bool_or']);

/** Those that are so for some types: floats and intervals overflow, arrays that differ in size make no array of arrays. */
const aggregatesOfSome: ReadonlyMap<string, (scope: ExpressionScope, typeOid: number) => boolean> = new Map([
  ['sum', (_, typeOid) => exactNumbers.has(typeOid)],
  ['avg', (_, typeOid) => exactNumbers.has(typeOid)],
  ['min', ({ catalog }, typeOid) => comparesWithoutError(catalog, typeOid, typeOid)],
  ['max', ({ catalog }, typeOid) => comparesWithoutError(catalog, typeOid, typeOid)],
  ['array_agg', ({ catalog }, typeOid) => catalog.type(typeOid)?.elementOid === 0],
]);

const exactNumbers: ReadonlySet<number> = new Set([
  TypeOid.int2,
  TypeOid.int4,
  TypeOid.int8,
  TypeOid.numeric,
]);

/**
 * Rule S12. A restriction changes the plan, and with it the rows on which a condition is evaluated before another has
 * filtered them. So everything that is evaluated below the statement's own result rows must be known not to raise: all
 * WHERE and ON clauses, and whatever nested blocks compute. Likewise what is left of HAVING without its aggregates:
 *
 *   SELECT x, count(*) FROM t WHERE k = 1 GROUP BY x HAVING 1 / x > 0      -- planned as WHERE k = 1 AND 1 / x > 0
 *
 * And with a LIMIT anywhere what the result rows themselves are made of: read in the order of an index it is computed for the
 * rows that come out, otherwise for all of them before they are sorted. From a cursor, too, not all rows may be fetched:
 *
 *   SELECT 1 / x FROM t WHERE k = 1 ORDER BY id LIMIT 1
 */
export function mayRaiseInStatement(
  statement: Restrictable,
  readingOf: (block: SelectStmt) => ReadBlock | undefined,
): boolean {
  if (hasComputedRows(statement)) return true;
  const isLimited = hasLimit(statement.query) || statement.kind === 'declare cursor';
  const answered = new Set<unknown>();
  return blocksOf(statement).some(({ select, isTopLevel }) => {
    if (answered.has(select)) return false;
    const reading = readingOf(select);
    if (reading === undefined || !mergesQuietly(reading)) return true;
    // What a view evaluates is not looked into, and a restriction on its columns is pushed down among it.
    if (reading.from.tables.some(({ relation }) => relation.kind === 'v')) return true;
    const scope = withoutOuterJoins(reading.scope);
    const isQuiet = (node: Node): boolean => isKnownQuiet(node, scope, answered);
    if (select.whereClause !== undefined && !operandsOfAnd(select.whereClause).every(isQuiet)) return true;
    if (!joinConditions(select.fromClause).flatMap(operandsOfAnd).every(isQuiet)) return true;
    if (!pushedDownHaving(select, scope).every(isQuiet)) return true;
    return (
      (isLimited || !isTopLevel) &&
      !nestedExpressions(select).every((node) => isAggregate(node, scope) || isQuiet(node))
    );
  });
}

function hasLimit(statement: SelectStmt): boolean {
  let found = false;
  const look = ({ limitCount, limitOffset, larg, rarg }: SelectStmt): void => {
    found ||= limitCount !== undefined || limitOffset !== undefined;
    if (larg !== undefined) look(larg);
    if (rarg !== undefined) look(rarg);
  };
  look(statement);
  return found;
}

/**
 * Rows that are computed and not read: functions in FROM, and expressions in a VALUES list or a nested SELECT without FROM,
 * such as `LATERAL (SELECT 1 / p.x UNION SELECT 2)`. A SELECT that is no block to blocksOf counts too.
 */
function hasComputedRows(statement: QueryRoot): boolean {
  const blocks = new Set(blocksOf(statement).map(({ select }) => select));
  if (nodesOf(statement).kinds.has('RangeFunction')) return true;
  return plainSelectsOf(statement).some(({ select, isTopLevel }) =>
    select.fromClause === undefined
      ? !isTopLevel && computesSomething([select.targetList, select.valuesLists, select.whereClause])
      : !blocks.has(select),
  );
}

function computesSomething(expressions: unknown): boolean {
  let found = false;
  walk(expressions, (kind) => {
    if (!plainNodes.has(kind)) found = true;
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

/**
 * Whether evaluating the expression raises nothing. A sub-select that was understood in its place is answered for, with what it
 * refers to around it. Of any other, EXISTS is quiet if its block is, and blocks are all looked at by themselves.
 *
 * @param answered sub-selects that were found quiet on the way: outer blocks come first
 */
function isKnownQuiet(node: Node, scope: ExpressionScope, answered?: Set<unknown>): boolean {
  if ('ColumnRef' in node) return isQuietColumn(node.ColumnRef, scope);
  if (isQuietKeyEquality(node, scope)) return true;
  const expression = scope.canonicalise(node);
  if (isUnusable(expression) || expression.mayRaise)
    return 'SubLink' in node && node.SubLink.subLinkType === 'EXISTS_SUBLINK';
  if (answered !== undefined && expression.reads.length > 0)
    walk(node, (kind, fields) => {
      if (kind === 'SelectStmt') answered.add(fields);
      return true;
    });
  return true;
}

/**
 * Whether it is an equality of two columns that raises nothing. Those of keys were not written out with the block's conjuncts, and a
 * block has as many of them as anything else; false says nothing.
 */
function isQuietKeyEquality(node: Node, scope: ExpressionScope): boolean {
  if (!('A_Expr' in node) || node.A_Expr.kind !== 'AEXPR_OP') return false;
  const { name, lexpr, rexpr } = node.A_Expr;
  const operator = qualifiedName(name);
  if (operator?.name !== '=' || lexpr === undefined || rexpr === undefined) return false;
  if (!('ColumnRef' in lexpr) || !('ColumnRef' in rexpr)) return false;
  const [left, right] = [scope.canonicalise(lexpr), scope.canonicalise(rexpr)];
  if (isUnusable(left) || isUnusable(right)) return false;
  const applied = applyOperator(operator, left, right, scope);
  return !('unusable' in applied) && !applied.mayRaise;
}

/**
 * Reading a column, of whatever is in FROM, raises nothing, unless it is computed only then: a virtual generated column, or a
 * function of the row that is written like a column.
 */
function isQuietColumn(ref: ColumnRef, { catalog }: ExpressionScope): boolean {
  const name = stringsOf(ref.fields)?.at(-1);
  if (catalog.isComputedWhenRead(name)) return false;
  return name === undefined || catalog.functionsOfRow(name).length === 0;
}

/** For this question columns of a null-extended side are as good as others. */
function withoutOuterJoins(scope: ExpressionScope): ExpressionScope {
  if (scope.tables.every(({ isNullable }) => !isNullable)) return scope;
  const wide: ExpressionScope = {
    ...scope,
    tables: scope.tables.map((table) => ({ ...table, isNullable: false })),
    canonicalise: remembering((node) => canonicaliseNode(node, wide)),
  };
  return wide;
}

/**
 * What USING and NATURAL compare, they compare with an equality that is not written out: `numeric = float8` makes a float of
 * 1e400, which is an error.
 */
function mergesQuietly({ from, scope }: ReadBlock): boolean {
  if (!from.hasMerged) return true;
  const names = from.mergedNames;
  if (from.hasUnknown || names === undefined || from.tables.some(({ isHidden }) => isHidden)) return false;
  return [...names].every((name) => {
    const owners = from.tables.filter((table) => namesOf(table)?.has(name) !== false);
    const types = owners.map(({ relation }) => relation.columns.get(name)?.typeOid ?? 0);
    const [first = 0] = types;
    return types.every((typeOid) => comparesWithoutError(scope.catalog, first, typeOid));
  });
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

/** Conditions of HAVING that PostgreSQL moves to WHERE: those without an aggregate. */
function pushedDownHaving({ havingClause }: SelectStmt, scope: ExpressionScope): readonly Node[] {
  if (havingClause === undefined) return [];
  return operandsOfAnd(havingClause).filter((node) => !hasAggregate(node, scope));
}

function hasAggregate(node: Node, { catalog, searchPath }: ExpressionScope): boolean {
  let found = false;
  walk(node, (kind, fields) => {
    // An aggregate of a sub-select is that block's, not this one's.
    if (kind === 'SelectStmt') return false;
    if (kind === 'FuncCall') {
      const name = qualifiedName(fields['funcname'] as FuncCall['funcname']);
      const candidates = name === undefined ? [] : catalog.functions(name, searchPath);
      found ||= candidates.length > 0 && candidates.every((candidate) => candidate.kind === 'a');
    }
    return !found;
  });
  return found;
}

function isAggregate(node: Node, scope: ExpressionScope): boolean {
  if (!('FuncCall' in node)) return false;
  const { funcname, over, agg_filter, agg_order, args = [] }: FuncCall = node.FuncCall;
  if (over !== undefined || agg_filter !== undefined || agg_order !== undefined) return false;
  const name = qualifiedName(funcname);
  if (name === undefined || !scope.catalog.functions(name, scope.searchPath).every(isBuiltin)) return false;
  if (totalAggregates.has(name.name)) return args.every((arg) => isKnownQuiet(arg, scope));
  const isDefinedFor = aggregatesOfSome.get(name.name);
  return args.every((arg) => {
    const expression = scope.canonicalise(arg);
    if (isUnusable(expression) || expression.mayRaise) return false;
    return isDefinedFor?.(scope, expression.typeOid) === true;
  });
}
