import type { A_Expr } from '@pgsql/types';
import { qualifiedName } from '../../ast/names';
import { TypeOid } from '../../catalog/catalog';
import {
  combined,
  isUnusable,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';
import { type Application, applyOperator, binary, prefix } from './apply-operator';
import { canonicaliseBetween } from './between';
import { canonicaliseIn } from './in-list';
import { canonicaliseQuantified } from './quantified';
import { compareRows, isRow } from './row';

/** Comparisons, LIKE, BETWEEN, IN, = ANY(array), IS DISTINCT FROM, NULLIF and every other operator, if it is immutable. */
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
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return canonicaliseBetween(expr, scope);
    case 'AEXPR_NULLIF':
      return canonicaliseNullIf(expr, scope);
    default:
      return unusable('unsupported expression A_Expr');
  }
}

function canonicalisePlain(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const name = qualifiedName(expr.name);
  if (name === undefined) return unusable('unsupported operator');
  if (isRow(expr.lexpr) && isRow(expr.rexpr)) return compareRows(name, expr.lexpr, expr.rexpr, scope);
  const right = scope.canonicalise(expr.rexpr);
  if (isUnusable(right)) return right;
  if (expr.lexpr === undefined) return prefix(name, right, scope);
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  return binary(name, left, right, scope);
}

const equals = { schema: undefined, name: '=' };

function canonicaliseDistinct(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const compared = comparedOperands(expr, scope);
  if ('unusable' in compared) return compared;
  const { left, right, outcome } = compared;
  const word = expr.kind === 'AEXPR_DISTINCT' ? 'IS DISTINCT FROM' : 'IS NOT DISTINCT FROM';
  return {
    template: `(${left.template} ${word} ${right.template})`,
    typeOid: TypeOid.bool,
    ...combined([left, right]),
    mayRaise: outcome.mayRaise,
    collations: [],
  };
}

/** Both operands, and what comparing them by `=` takes. */
function comparedOperands(
  expr: A_Expr,
  scope: ExpressionScope,
): { readonly left: Expression; readonly right: Expression; readonly outcome: Application } | Unusable {
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  const right = scope.canonicalise(expr.rexpr);
  if (isUnusable(right)) return right;
  const outcome = applyOperator(equals, left, right, scope);
  return 'unusable' in outcome ? outcome : { left, right, outcome };
}

/** The value is the first operand, as `=` takes it. */
function canonicaliseNullIf(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const compared = comparedOperands(expr, scope);
  if ('unusable' in compared) return compared;
  const { left, right, outcome } = compared;
  const flags = combined([left, right]);
  return {
    template: `NULLIF(${left.template}, ${right.template})`,
    typeOid: outcome.resolution.operandOids[0] ?? 0,
    mayRaise: outcome.mayRaise,
    isConstant: flags.isConstant,
    collations: flags.collations,
    reads: flags.reads,
  };
}
