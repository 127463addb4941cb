import type { QualifiedName } from '../../ast/names';
import { quoteIdentifier } from '../../ast/quote';
import { escapeTemplate, renderTemplate, type Template } from '../../ast/template';
import { TypeOid } from '../../catalog/catalog';
import { combined, unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';
import { tableNumbered } from '../expression-scope';
import { comparisonOperators } from '../raising/comparison';
import { isQuietOperator } from '../raising/operator';
import { resolveOperator, type Resolution } from '../resolve';
import { comparedTemplate } from './compared-constant';
import { convertAll } from './conversion';

const mirrored: ReadonlyMap<string, string> = new Map([
  ['>', '<'],
  ['>=', '<='],
]);
const symmetric: ReadonlySet<string> = new Set(['=', '<>', '&&']);

/** An operator that was found for its operands, and what that says of the expression. */
export interface Application {
  readonly resolution: Resolution;
  readonly mayRaise: boolean;
}

/** The operator PostgreSQL takes for the operands; unusable if it is not immutable. `left` is undefined for a prefix operator. */
export function applyOperator(
  name: QualifiedName,
  left: Expression | undefined,
  right: Expression,
  { catalog, searchPath }: ExpressionScope,
): Application | Unusable {
  const resolution = resolveOperator(catalog, searchPath, name, left?.typeOid, right.typeOid);
  if (resolution === undefined) return unusable('unknown operator');
  if (!resolution.isImmutable) return unusable('operator is not immutable');
  const operands = left === undefined ? [right] : [left, right];
  const conversion = convertAll(catalog, operands, resolution.operandOids);
  if ('unusable' in conversion) return conversion;
  const flags = combined(operands);
  const isQuiet = flags.isConstant || isQuietOperator(catalog, resolution, operands);
  return { resolution, mayRaise: flags.mayRaise || conversion.mayRaise || !isQuiet };
}

/** `op operand` */
export function prefix(
  name: QualifiedName,
  operand: Expression,
  scope: ExpressionScope,
): Expression | Unusable {
  const applied = applyOperator(name, undefined, operand, scope);
  if ('unusable' in applied) return applied;
  return {
    template: `(${operatorText(name)} ${operand.template})`,
    typeOid: applied.resolution.resultOid,
    mayRaise: applied.mayRaise,
    isConstant: operand.isConstant,
    collations: operand.collations,
    reads: operand.reads,
  };
}

/** `left op right`, in one orientation for operators that have a mirror image. */
export function binary(
  name: QualifiedName,
  left: Expression,
  right: Expression,
  scope: ExpressionScope,
): Expression | Unusable {
  const applied = applyOperator(name, left, right, scope);
  if ('unusable' in applied) return applied;
  const { resolution, mayRaise } = applied;
  const flags = combined([left, right]);
  const isBoolean = resolution.resultOid === TypeOid.bool;
  const isComparison = resolution.isBuiltin && comparisonOperators.has(resolution.name);
  const texts: readonly [Template, Template] = isComparison
    ? [
        comparedTemplate({ operand: left, position: 0, name, resolution, otherOid: right.typeOid }, scope),
        comparedTemplate({ operand: right, position: 1, name, resolution, otherOid: left.typeOid }, scope),
      ]
    : [left.template, right.template];
  const [operator, first, second] = orient(name, texts, [left, right], resolution, scope);
  return {
    template: `(${first} ${operatorText(operator)} ${second})`,
    typeOid: resolution.resultOid,
    mayRaise,
    isConstant: flags.isConstant,
    collations: isBoolean ? [] : flags.collations,
    reads: flags.reads,
  };
}

function orient(
  name: QualifiedName,
  [left, right]: readonly [Template, Template],
  operands: readonly [Expression, Expression],
  resolution: Resolution,
  scope: ExpressionScope,
): readonly [QualifiedName, Template, Template] {
  if (!resolution.isBuiltin || !hasBuiltinImage(name, operands, resolution, scope))
    return [name, left, right];
  const mirror = mirrored.get(resolution.name);
  if (mirror !== undefined) return [{ ...name, name: mirror }, right, left];
  const isSymmetric =
    symmetric.has(resolution.name) && resolution.operandOids[0] === resolution.operandOids[1];
  const isEquality = comparisonOperators.has(resolution.name) && symmetric.has(resolution.name);
  if ((isSymmetric || isEquality) && orderKey(right, scope) < orderKey(left, scope))
    return [name, right, left];
  return [name, left, right];
}

/**
 * Whether the operator with its operands exchanged is PostgreSQL's own, too. The search path may lead to another one:
 *
 *   SET search_path = mine, pg_catalog     -- with an operator mine.<, and none of the name >
 *   SELECT … WHERE id > 5                  -- is not 5 < id there
 */
export function hasBuiltinImage(
  name: QualifiedName,
  [left, right]: readonly [Expression, Expression],
  { operandOids }: Pick<Resolution, 'operandOids'>,
  { catalog, searchPath }: ExpressionScope,
): boolean {
  const image = { ...name, name: mirrored.get(name.name) ?? name.name };
  const exchanged = resolveOperator(catalog, searchPath, image, right.typeOid, left.typeOid);
  return (
    exchanged?.isBuiltin === true &&
    exchanged.name === image.name &&
    exchanged.operandOids[0] === operandOids[1] &&
    exchanged.operandOids[1] === operandOids[0]
  );
}

/**
 * What operands are ordered by: the template with relations instead of aliases' numbers, so that the order does not
 * depend on how the statement names or lists its tables.
 */
export function orderKey(template: Template, scope: ExpressionScope): string {
  return renderTemplate(template, (table) => {
    const relation = tableNumbered(table, scope)?.relation;
    return relation === undefined ? '' : `${relation.schema}\0${relation.name}`;
  });
}

/** Templates in an order that does not depend on the statement's, each once. */
export function inOrder(templates: readonly Template[], scope: ExpressionScope): readonly Template[] {
  return [...new Set(templates)]
    .map((template) => [orderKey(template, scope), template] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, template]) => template);
}

/** An operator as it is written between its operands. */
export function operatorText(name: QualifiedName): Template {
  if (name.schema === undefined) return escapeTemplate(name.name);
  return `OPERATOR(${escapeTemplate(quoteIdentifier(name.schema))}.${escapeTemplate(name.name)})`;
}
