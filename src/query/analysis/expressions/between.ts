import type { A_Expr, Node } from '@pgsql/types';
import { unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';

/**
 * `x BETWEEN a AND b` is `x >= a AND x <= b`, and with SYMMETRIC that or the same with a and b exchanged (manual, "Comparison
 * Functions and Operators").
 */
export function canonicaliseBetween(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const comparisons = betweenAsComparisons(expr);
  return comparisons === undefined ? unusable('unsupported BETWEEN') : scope.canonicalise(comparisons);
}

/** A BETWEEN as the comparisons it means; undefined for anything else. */
export function betweenAsComparisons({ kind, lexpr, rexpr }: A_Expr): Node | undefined {
  if (kind === undefined || !betweens.has(kind) || lexpr === undefined) return undefined;
  const [low, high] = rexpr !== undefined && 'List' in rexpr ? (rexpr.List.items ?? []) : [];
  if (low === undefined || high === undefined) return undefined;
  const within = (from: Node, to: Node): Node =>
    logic('AND_EXPR', [compare('>=', lexpr, from), compare('<=', lexpr, to)]);
  const between = kind.endsWith('_SYM')
    ? logic('OR_EXPR', [within(low, high), within(high, low)])
    : within(low, high);
  return kind.startsWith('AEXPR_NOT') ? logic('NOT_EXPR', [between]) : between;
}

const betweens: ReadonlySet<string> = new Set([
  'AEXPR_BETWEEN',
  'AEXPR_NOT_BETWEEN',
  'AEXPR_BETWEEN_SYM',
  'AEXPR_NOT_BETWEEN_SYM',
]);

function compare(operator: string, lexpr: Node, rexpr: Node): Node {
  return { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: operator } }], lexpr, rexpr } };
}

function logic(boolop: 'AND_EXPR' | 'OR_EXPR' | 'NOT_EXPR', args: Node[]): Node {
  return { BoolExpr: { boolop, args } };
}
