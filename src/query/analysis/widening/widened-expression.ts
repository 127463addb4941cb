import type { A_Expr, BoolExpr, FuncCall, Node } from '@pgsql/types';
import { qualifiedName } from '../../ast/names';
import { tablesOf } from '../../ast/template';
import { isUnusable, type Expression, type ExpressionScope } from '../expression';
import { binary } from '../expressions/apply-operator';
import { betweenAsComparisons } from '../expressions/between';
import { conjunction, disjunction, negation } from '../expressions/boolean';
import { callOf } from '../expressions/function-call';
import { resolveFunction, resolveOperator, type Resolution } from '../resolve';
import type { Decimal } from './decimal';
import { widenConstant } from './widen-constant';

/** The step for a distance between some of the block's tables; undefined: it stays. */
export type StepOf = (tables: readonly number[]) => Decimal | undefined;

/** Whether the result has to hold wherever the original holds, or only there: under NOT it is the other way round. */
type Sense = 'wider' | 'narrower';

/**
 * A condition with the constants that distances are compared with brought outward to a multiple of a step: it holds for every
 * row the original holds for (rule S1). undefined if there is none in it.
 *
 * Each comparison is replaced by one that is true wherever it is (under NOT: false wherever it is), and NULL for the same rows,
 * as the distance is the same. AND and OR, in three-valued logic too, are never falser for truer operands, nor NOT truer for
 * truer ones. So what is true stays true; what the replaced condition adds are rows, never the loss of any:
 *
 *   NOT (d < 290)  to  NOT (d < 300)     -- would lose the rows at 295; it becomes NOT (d < 200)
 */
export function widenedExpression(
  node: Node,
  scope: ExpressionScope,
  stepOf: StepOf,
): Expression | undefined {
  return widened(node, 'wider', { scope, stepOf });
}

interface Widening {
  readonly scope: ExpressionScope;
  readonly stepOf: StepOf;
}

function widened(node: Node, sense: Sense, widening: Widening): Expression | undefined {
  if ('BoolExpr' in node) return widenedLogic(node.BoolExpr, sense, widening);
  if ('FuncCall' in node) return widenedCall(node.FuncCall, sense, widening);
  if (!('A_Expr' in node)) return undefined;
  const between = betweenAsComparisons(node.A_Expr);
  if (between !== undefined) return widened(between, sense, widening);
  return node.A_Expr.kind === 'AEXPR_OP' ? widenedComparison(node.A_Expr, sense, widening) : undefined;
}

function widenedLogic({ boolop, args }: BoolExpr, sense: Sense, widening: Widening): Expression | undefined {
  const { scope } = widening;
  const inside = boolop !== 'NOT_EXPR' ? sense : sense === 'wider' ? 'narrower' : 'wider';
  let isWidened = false;
  const operands: Expression[] = [];
  for (const arg of args ?? []) {
    const wider = widened(arg, inside, widening);
    const operand = wider ?? scope.canonicalise(arg);
    if (isUnusable(operand)) return undefined;
    isWidened ||= wider !== undefined;
    operands.push(operand);
  }
  const [first] = operands;
  if (!isWidened || first === undefined) return undefined;
  if (boolop === 'NOT_EXPR') return negation(first);
  return boolop === 'OR_EXPR' ? disjunction(operands, scope) : conjunction(operands, scope);
}

const comparisons: ReadonlySet<string> = new Set(['<', '<=', '>', '>=']);

function widenedComparison(expr: A_Expr, sense: Sense, { scope, stepOf }: Widening): Expression | undefined {
  const name = qualifiedName(expr.name);
  if (name === undefined || !comparisons.has(name.name)) return undefined;
  const [left, right] = [scope.canonicalise(expr.lexpr), scope.canonicalise(expr.rexpr)];
  if (isUnusable(left) || isUnusable(right)) return undefined;
  const isConstantRight = tablesOf(right.template).length === 0;
  const [distance, constant] = isConstantRight ? [left, right] : [right, left];
  const distanceNode = isConstantRight ? expr.lexpr : expr.rexpr;
  if (!isDistance(distance, distanceNode)) return undefined;
  const step = stepOf(tablesOf(distance.template));
  const resolution = resolveOperator(scope.catalog, scope.searchPath, name, left.typeOid, right.typeOid);
  if (step === undefined || !isOrder(resolution)) return undefined;
  const isUpperBound = name.name.startsWith('<') === isConstantRight;
  const direction = isUpperBound === (sense === 'wider') ? 'up' : 'down';
  const takenOid = resolution.operandOids[isConstantRight ? 1 : 0] ?? 0;
  const wider = widenConstant(constant, takenOid, step, direction, scope);
  if (wider === undefined) return undefined;
  const [newLeft, newRight] = isConstantRight ? [left, wider] : [wider, right];
  // A whole number may make another operator of it than one with a fraction; they all compare by value.
  const found = resolveOperator(scope.catalog, scope.searchPath, name, newLeft.typeOid, newRight.typeOid);
  const result = isOrder(found) ? binary(name, newLeft, newRight, scope) : undefined;
  return result === undefined || isUnusable(result) ? undefined : result;
}

/** PostgreSQL's own order of numbers: whoever has made an operator of the name may mean anything by it. */
function isOrder(resolution: Resolution | undefined): resolution is Resolution {
  return resolution?.isBuiltin === true && resolution.isImmutable && comparisons.has(resolution.name);
}

/** What two tables make, or what calls itself a distance: from a constant place, for instance. */
function isDistance({ template }: Expression, node: Node | undefined): boolean {
  const tables = tablesOf(template);
  if (tables.length >= 2) return true;
  if (tables.length === 0 || node === undefined) return false;
  if ('A_Expr' in node) return qualifiedName(node.A_Expr.name)?.name === '<->';
  return 'FuncCall' in node && /distance/i.test(qualifiedName(node.FuncCall.funcname)?.name ?? '');
}

/** PostGIS' tests for a distance, of which the third argument is the largest. */
const withinDistance: ReadonlySet<string> = new Set([
  'st_dwithin',
  'st_3ddwithin',
  'st_dfullywithin',
  'st_3ddfullywithin',
]);

function widenedCall(call: FuncCall, sense: Sense, { scope, stepOf }: Widening): Expression | undefined {
  const name = qualifiedName(call.funcname);
  if (
    name === undefined ||
    !withinDistance.has(name.name) ||
    isUnusable(scope.canonicalise({ FuncCall: call }))
  )
    return undefined;
  const args: Expression[] = [];
  for (const arg of call.args ?? []) {
    const expression = scope.canonicalise(arg);
    if (isUnusable(expression)) return undefined;
    args.push(expression);
  }
  const resolve = (of: readonly Expression[]): Resolution | undefined =>
    resolveFunction(
      scope.catalog,
      scope.searchPath,
      name,
      of.map(({ typeOid }) => typeOid),
    );
  const [first, second, constant, ...others] = args;
  const resolution = resolve(args);
  if (
    first === undefined ||
    second === undefined ||
    constant === undefined ||
    !isOfPostgis(resolution, scope)
  )
    return undefined;
  const step = stepOf(tablesOf(`${first.template}${second.template}`));
  const direction = sense === 'wider' ? 'up' : 'down';
  // A negative distance is an error.
  if (step === undefined || (constant.unknownLiteral ?? constant.literalText ?? '-').includes('-'))
    return undefined;
  const wider = widenConstant(constant, resolution.operandOids[2] ?? 0, step, direction, scope);
  const newArgs = wider === undefined ? args : [first, second, wider, ...others];
  if (wider === undefined || resolve(newArgs)?.oid !== resolution.oid) return undefined;
  const result = callOf(name, newArgs, scope);
  return isUnusable(result) ? undefined : result;
}

/** Takes what only PostGIS has the type of: a function of its name over other types may mean anything. */
function isOfPostgis(
  resolution: Resolution | undefined,
  { catalog }: ExpressionScope,
): resolution is Resolution {
  return (
    (resolution?.operandOids.slice(0, 2) ?? []).every((oid) =>
      ['geometry', 'geography'].includes(catalog.type(oid)?.name ?? ''),
    ) && resolution !== undefined
  );
}
