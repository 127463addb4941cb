import type { A_Expr } from '@pgsql/types';
import { isUnusable, unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';
import { binary } from './apply-operator';
import { conjunction, disjunction, negation } from './boolean';

/**
 * `x BETWEEN a AND b` is `x >= a AND x <= b`, and with SYMMETRIC that or the same with a and b exchanged (manual, "Comparison
 * Functions and Operators").
 */
export function canonicaliseBetween(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const bounds = betweenBounds(expr, scope);
  if ('unusable' in bounds) return bounds;
  const within = conjunction(bounds, scope);
  if (expr.kind === 'AEXPR_BETWEEN') return within;
  if (expr.kind === 'AEXPR_NOT_BETWEEN') return negation(within);
  const others = betweenBounds(expr, scope, 'exchanged');
  if ('unusable' in others) return others;
  const either = disjunction([within, conjunction(others, scope)], scope);
  return expr.kind === 'AEXPR_BETWEEN_SYM' ? either : negation(either);
}

/** The two comparisons of a BETWEEN. */
export function betweenBounds(
  expr: A_Expr,
  scope: ExpressionScope,
  order: 'written' | 'exchanged' = 'written',
): readonly Expression[] | Unusable {
  if (expr.rexpr === undefined || !('List' in expr.rexpr)) return unusable('unsupported BETWEEN');
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  const items = expr.rexpr.List.items ?? [];
  const parts: Expression[] = [];
  for (const [i, item] of (order === 'written' ? items : [...items].reverse()).entries()) {
    const bound = scope.canonicalise(item);
    if (isUnusable(bound)) return bound;
    const part = binary({ schema: undefined, name: i === 0 ? '>=' : '<=' }, left, bound, scope);
    if (isUnusable(part)) return part;
    parts.push(part);
  }
  return parts;
}
