import type { A_Expr } from '@pgsql/types';
import { qualifiedName, type QualifiedName } from '../../ast/names';
import { quoteLiteral } from '../../ast/quote';
import { escapeTemplate, type Template } from '../../ast/template';
import { TypeOid } from '../../catalog/catalog';
import {
  combined,
  isUnusable,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';
import { isStableLiteral } from '../literal';
import { comparesWithoutError, comparisonOperators } from '../raising/comparison';
import { resolveOperator, type Resolution } from '../resolve';
import { operatorText } from './apply-operator';
import { convert } from './conversion';

/**
 * `x op ANY (array)` and `x op ALL (array)`. The operator is looked for with the type of the array's elements; a string constant
 * becomes an array of what the operator takes on its right side (make_scalar_array_op in src/backend/parser/parse_oper.c).
 */
export function canonicaliseQuantified(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const { catalog, searchPath } = scope;
  const name = qualifiedName(expr.name);
  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  const right = scope.canonicalise(expr.rexpr);
  if (isUnusable(right)) return right;
  if (name === undefined) return unusable('unsupported operator');

  const elementOid =
    right.typeOid === TypeOid.unknown
      ? TypeOid.unknown
      : catalog.elementOf(catalog.domainBaseOid(right.typeOid));
  if (elementOid === 0) return unusable('ANY of something that is not a known array');
  const resolution = resolveOperator(catalog, searchPath, name, left.typeOid, elementOid);
  if (resolution?.isImmutable !== true || resolution.resultOid !== TypeOid.bool)
    return unusable('operator is not immutable');
  const [leftOid = 0, takenOid = 0] = resolution.operandOids;
  const arrayOid = catalog.arrayTypeOf(takenOid)?.oid;
  if (arrayOid === undefined) return unusable('ANY of something that is not a known array');
  if (right.unknownLiteral !== undefined && !isStableLiteral(catalog, arrayOid, right.unknownLiteral))
    return unusable('time-dependent or catalog-dependent constant');
  const ofLeft = convert(catalog, left, leftOid);
  const ofRight = convert(catalog, right, arrayOid);
  if ('unusable' in ofLeft) return ofLeft;
  if ('unusable' in ofRight) return ofRight;

  const flags = combined([left, right]);
  const isQuiet =
    resolution.isBuiltin &&
    comparisonOperators.has(resolution.name) &&
    comparesWithoutError(catalog, leftOid, takenOid);
  const quantifier = expr.kind === 'AEXPR_OP_ANY' ? 'ANY' : 'ALL';
  const array = arrayTemplate(right, arrayOid, name, resolution, left, scope);
  return {
    template: `(${left.template} ${operatorText(name)} ${quantifier} (${array}))`,
    typeOid: TypeOid.bool,
    mayRaise: flags.mayRaise || ofLeft.mayRaise || ofRight.mayRaise || !(isQuiet || flags.isConstant),
    isConstant: flags.isConstant,
    collations: [],
    reads: flags.reads,
  };
}

/** A typed array constant without its type, where that is the one it would have anyway: a parameter and a constant are then alike. */
function arrayTemplate(
  array: Expression,
  arrayOid: number,
  name: QualifiedName,
  resolution: Resolution,
  left: Expression,
  { catalog, searchPath }: ExpressionScope,
): Template {
  if (array.literalText === undefined || array.typeOid !== arrayOid || array.collations.length > 0)
    return array.template;
  const untyped = resolveOperator(catalog, searchPath, name, left.typeOid, TypeOid.unknown);
  const isSame = untyped?.oid === resolution.oid && untyped.operandOids[1] === resolution.operandOids[1];
  return isSame ? escapeTemplate(quoteLiteral(array.literalText)) : array.template;
}
