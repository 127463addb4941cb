import type { A_Expr } from '@pgsql/types';
import { qualifiedName, type QualifiedName } from '../../ast/names';
import { quoteIdentifier } from '../../ast/quote';
import { escapeTemplate, renderTemplate, type Template } from '../../ast/template';
import { TypeOid } from '../../catalog/catalog';
import {
  canonicaliseAll,
  combined,
  isUnusable,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';
import { isStableLiteral } from '../literal';
import { comparesWithoutError, comparisonOperators, patternOperators } from '../raising';
import { resolveOperator, type Resolution } from '../resolve';

/** Comparisons, LIKE, BETWEEN, IN, = ANY(array), IS DISTINCT FROM and every other operator, if it is immutable. */
export function canonicaliseOperator(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  switch (expr.kind) {
    case 'AEXPR_OP':
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
    case 'AEXPR_SIMILAR':
      return canonicalisePlain(expr, scope);
    case 'AEXPR_IN':
      return canonicaliseIn(expr, scope);
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return canonicaliseQuantified(expr, scope);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return canonicaliseDistinct(expr, scope);
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
      return canonicaliseBetween(expr, scope);
    default:
      return unusable(`unsupported expression ${expr.kind ?? 'A_Expr'}`);
  }
}

const mirrored: ReadonlyMap<string, string> = new Map([
  ['>', '<'],
  ['>=', '<='],
]);
const symmetric: ReadonlySet<string> = new Set(['=', '<>']);

function canonicalisePlain(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const name = qualifiedName(expr.name);
  if (name === undefined) return unusable('unsupported operator');
  const right = scope.canonicalise(expr.rexpr);
  if (isUnusable(right)) return right;
  if (expr.lexpr === undefined) return prefix(name, right, scope);
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  return binary(name, left, right, scope);
}

function prefix(name: QualifiedName, operand: Expression, scope: ExpressionScope): Expression | Unusable {
  const resolution = resolveOperator(scope.catalog, scope.searchPath, name, undefined, operand.typeOid);
  if (resolution?.isImmutable !== true) return unusable('operator is not immutable');
  return {
    template: `(${operatorText(name)} ${operand.template})`,
    typeOid: resolution.resultOid,
    mayRaise: operand.mayRaise || !operand.isConstant,
    isConstant: operand.isConstant,
    collations: operand.collations,
  };
}

/** `left op right`, in one orientation for operators that have a mirror image. */
export function binary(
  name: QualifiedName,
  left: Expression,
  right: Expression,
  scope: ExpressionScope,
): Expression | Unusable {
  const resolution = resolveOperator(scope.catalog, scope.searchPath, name, left.typeOid, right.typeOid);
  const refused = refuse(resolution, [left, right], scope);
  if (refused !== undefined || resolution === undefined) return refused ?? unusable('unknown operator');

  const flags = combined([left, right]);
  const isTotal = resolution.isBuiltin && isTotalOperator(name, left, right, scope);
  const [operator, first, second] = orient(name, left, right, resolution.isBuiltin, scope);
  return {
    template: `(${first.template} ${operatorText(operator)} ${second.template})`,
    typeOid: resolution.resultOid,
    mayRaise: flags.mayRaise || (!isTotal && !flags.isConstant),
    isConstant: flags.isConstant,
    collations: resolution.resultOid === TypeOid.bool ? [] : flags.collations,
  };
}

function isTotalOperator(
  name: QualifiedName,
  left: Expression,
  right: Expression,
  scope: ExpressionScope,
): boolean {
  if (comparisonOperators.has(name.name)) {
    return comparesWithoutError(
      scope.catalog,
      comparedType(left, right, scope),
      comparedType(right, left, scope),
    );
  }
  return patternOperators.has(name.name) && isWellFormedPattern(name.name, right);
}

/**
 * A numeric constant beside a float, as in `latitude < 1.5`, becomes a float while planning. A numeric column would for each
 * row, and `1e400` is no float.
 */
function comparedType(operand: Expression, other: Expression, scope: ExpressionScope): number {
  const otherOid = scope.catalog.baseTypeOid(other.typeOid);
  const isBesideFloat = otherOid === TypeOid.float4 || otherOid === TypeOid.float8;
  return operand.isConstant && operand.typeOid === TypeOid.numeric && isBesideFloat
    ? otherOid
    : operand.typeOid;
}

/**
 * A malformed regular expression raises while planning. A LIKE pattern that ends with its escape character does not before
 * a text has matched up to there, so only those that cannot end so are known not to raise.
 */
function isWellFormedPattern(operator: string, pattern: Expression): boolean {
  if (!pattern.isConstant) return false;
  if (!operator.includes('~~')) return true;
  if (pattern.unknownLiteral !== undefined) return !/(?<!\\)(?:\\\\)*\\$/.test(pattern.unknownLiteral);
  // No constant without a backslash, and no operator, makes one of its own; a function such as like_escape does.
  return !/\\|"\(/.test(pattern.template);
}

function refuse(
  resolution: Resolution | undefined,
  operands: readonly Expression[],
  scope: ExpressionScope,
): Unusable | undefined {
  if (resolution === undefined) return unusable('unknown operator');
  if (!resolution.isImmutable) return unusable('operator is not immutable');
  for (const [i, operand] of operands.entries()) {
    const { unknownLiteral } = operand;
    if (unknownLiteral === undefined) continue;
    const types = resolution.operandOids[i] ?? [];
    if (types.length === 0 || !types.every((oid) => isStableLiteral(scope.catalog, oid, unknownLiteral))) {
      return unusable('time-dependent or catalog-dependent constant');
    }
  }
  return undefined;
}

function orient(
  name: QualifiedName,
  left: Expression,
  right: Expression,
  isBuiltinOperator: boolean,
  scope: ExpressionScope,
): readonly [QualifiedName, Expression, Expression] {
  if (!isBuiltinOperator) return [name, left, right];
  const mirror = mirrored.get(name.name);
  if (mirror !== undefined) return [{ ...name, name: mirror }, right, left];
  if (symmetric.has(name.name) && orderKey(right.template, scope) < orderKey(left.template, scope))
    return [name, right, left];
  return [name, left, right];
}

/**
 * What operands are ordered by: the template with relations instead of aliases' numbers, so that the order does not
 * depend on how the statement names or lists its tables.
 */
export function orderKey(template: Template, scope: ExpressionScope): string {
  return renderTemplate(template, (table) => {
    const relation = scope.tables[table]?.relation;
    return relation === undefined ? '' : `${relation.schema}\0${relation.name}`;
  });
}

/** `OPERATOR(schema.op)` if the statement said so, else the bare operator, found through the same search path later. */
function operatorText(name: QualifiedName): string {
  if (name.schema === undefined) return escapeTemplate(name.name);
  return `OPERATOR(${escapeTemplate(quoteIdentifier(name.schema))}.${escapeTemplate(name.name)})`;
}

function canonicaliseIn(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const name = qualifiedName(expr.name);
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  if (name === undefined || expr.rexpr === undefined || !('List' in expr.rexpr))
    return unusable('unsupported IN');
  const items = canonicaliseAll(expr.rexpr.List.items, scope);
  if (!Array.isArray(items)) return items as Unusable;
  // Each item is compared on its own, with the type it has beside the left side; the list's common type, which
  // PostgreSQL takes for arrays of constants, is the same for items of one type. Mixed types stay out.
  if (new Set(items.map((item: Expression) => item.typeOid)).size > 1)
    return unusable('IN list of several types');
  const comparisons: Expression[] = [];
  for (const item of items as readonly Expression[]) {
    const comparison = binary({ schema: name.schema, name: '=' }, left, item, scope);
    if (isUnusable(comparison)) return comparison;
    comparisons.push(comparison);
  }
  const list = [...new Set((items as readonly Expression[]).map((item) => item.template))].sort();
  return {
    template: `(${left.template} ${name.name === '=' ? 'IN' : 'NOT IN'} (${list.join(', ')}))`,
    typeOid: TypeOid.bool,
    ...combined(comparisons),
    collations: [],
  };
}

/** `x op ANY (array)`: the array is a constant, so that its elements are known to be of the type they look like. */
function canonicaliseQuantified(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const name = qualifiedName(expr.name);
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  const right = scope.canonicalise(expr.rexpr);
  if (isUnusable(right)) return right;
  if (name === undefined) return unusable('unsupported operator');

  // A string constant becomes an array of the left side's type (manual, "ANY/SOME (array)").
  const array = scope.catalog.type(
    right.typeOid === TypeOid.unknown ? (scope.catalog.arrayTypeOf(left.typeOid)?.oid ?? 0) : right.typeOid,
  );
  if (array === undefined || array.elementOid === 0)
    return unusable('ANY of something that is not a known array');
  if (
    right.unknownLiteral !== undefined &&
    !isStableLiteral(scope.catalog, array.oid, right.unknownLiteral)
  ) {
    return unusable('time-dependent or catalog-dependent constant');
  }
  const resolution = resolveOperator(scope.catalog, scope.searchPath, name, left.typeOid, array.elementOid);
  if (resolution?.isImmutable !== true) return unusable('operator is not immutable');
  const flags = combined([left, right]);
  const isTotal =
    resolution.isBuiltin &&
    comparisonOperators.has(name.name) &&
    comparesWithoutError(scope.catalog, left.typeOid, array.elementOid);
  return {
    template: `(${left.template} ${operatorText(name)} ${expr.kind === 'AEXPR_OP_ANY' ? 'ANY' : 'ALL'} (${right.template}))`,
    typeOid: TypeOid.bool,
    mayRaise: flags.mayRaise || !isTotal,
    isConstant: flags.isConstant,
    collations: [],
  };
}

function canonicaliseDistinct(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  const right = scope.canonicalise(expr.rexpr);
  if (isUnusable(right)) return right;
  const outcome = binary({ schema: undefined, name: '=' }, left, right, scope);
  if (isUnusable(outcome)) return outcome;
  const word = expr.kind === 'AEXPR_DISTINCT' ? 'IS DISTINCT FROM' : 'IS NOT DISTINCT FROM';
  return {
    template: `(${left.template} ${word} ${right.template})`,
    typeOid: TypeOid.bool,
    mayRaise: outcome.mayRaise,
    isConstant: outcome.isConstant,
    collations: [],
  };
}

/** `x BETWEEN a AND b` is `x >= a AND x <= b` (manual, "Comparison Functions and Operators"). */
function canonicaliseBetween(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const bounds = betweenBounds(expr, scope);
  if (!Array.isArray(bounds)) return bounds as Unusable;
  const parts = bounds as readonly Expression[];
  const conjunction = `(${parts.map(({ template }) => template).join(' AND ')})`;
  return {
    template: expr.kind === 'AEXPR_BETWEEN' ? conjunction : `(NOT ${conjunction})`,
    typeOid: TypeOid.bool,
    ...combined(parts),
    collations: [],
  };
}

/** The two comparisons of a BETWEEN. */
export function betweenBounds(expr: A_Expr, scope: ExpressionScope): readonly Expression[] | Unusable {
  if (expr.rexpr === undefined || !('List' in expr.rexpr)) return unusable('unsupported BETWEEN');
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  const parts: Expression[] = [];
  for (const [i, item] of (expr.rexpr.List.items ?? []).entries()) {
    const bound = scope.canonicalise(item);
    if (isUnusable(bound)) return bound;
    const part = binary({ schema: undefined, name: i === 0 ? '>=' : '<=' }, left, bound, scope);
    if (isUnusable(part)) return part;
    parts.push(part);
  }
  return parts;
}
