import type { Node } from '@pgsql/types';
import { canonicaliseArray } from './expressions/array';
import { canonicaliseBoolExpr, canonicaliseBooleanTest, canonicaliseNullTest } from './expressions/boolean';
import { canonicaliseColumnRef } from './expressions/column-ref';
import { canonicaliseCollate } from './expressions/collate';
import { canonicaliseCase, canonicaliseCoalesce, canonicaliseMinMax } from './expressions/conditional';
import { canonicaliseConstant, canonicaliseParameter } from './expressions/constant';
import { canonicaliseFuncCall } from './expressions/function-call';
import { canonicaliseOperator } from './expressions/operator';
import { canonicaliseSubLink } from './expressions/sub-select';
import { canonicaliseSubscript } from './expressions/subscript';
import { canonicaliseTypeCast } from './expressions/type-cast';
import { unusable, type Expression, type ExpressionScope, type Unusable } from './expression';

/**
 * One line per kind of node that is understood. A kind that is not here makes its conjunct unusable: the fragment gets
 * weaker, the answer stays right (rule S1).
 */
export function canonicaliseNode(node: Node | undefined, scope: ExpressionScope): Expression | Unusable {
  if (node === undefined) return unusable('missing expression');
  if ('ColumnRef' in node) return canonicaliseColumnRef(node.ColumnRef, scope);
  if ('A_Const' in node) return canonicaliseConstant(node.A_Const);
  if ('ParamRef' in node) return canonicaliseParameter(node.ParamRef, scope);
  if ('A_Expr' in node) return canonicaliseOperator(node.A_Expr, scope);
  if ('BoolExpr' in node) return canonicaliseBoolExpr(node.BoolExpr, scope);
  if ('NullTest' in node) return canonicaliseNullTest(node.NullTest, scope);
  if ('BooleanTest' in node) return canonicaliseBooleanTest(node.BooleanTest, scope);
  if ('FuncCall' in node) return canonicaliseFuncCall(node.FuncCall, scope);
  if ('CoalesceExpr' in node) return canonicaliseCoalesce(node.CoalesceExpr, scope);
  if ('MinMaxExpr' in node) return canonicaliseMinMax(node.MinMaxExpr, scope);
  if ('CaseExpr' in node) return canonicaliseCase(node.CaseExpr, scope);
  if ('CollateClause' in node) return canonicaliseCollate(node.CollateClause, scope);
  if ('A_Indirection' in node) return canonicaliseSubscript(node.A_Indirection, scope);
  if ('SubLink' in node) return canonicaliseSubLink(node.SubLink, scope);
  if ('TypeCast' in node) return canonicaliseTypeCast(node.TypeCast, scope);
  if ('A_ArrayExpr' in node) return canonicaliseArray(node.A_ArrayExpr, scope);
  return unusable(`unsupported expression ${Object.keys(node)[0] ?? ''}`);
}
