import type { A_Expr } from '@pgsql/types';
import { qualifiedName, type QualifiedName } from '../../ast/names';
import { tablesOf, type Template } from '../../ast/template';
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
import { comparesWithoutError } from '../raising/comparison';
import { resolveOperator } from '../resolve';
import { commonType } from '../typing/coercion';
import { binary, inOrder } from './apply-operator';
import { conjunction, disjunction } from './boolean';
import { comparedTemplate } from './compared-constant';
import { convert } from './conversion';
import { compareRows, isRow } from './row';

/**
 * `x IN (a, b)`. PostgreSQL compares with each item that has a column in it on its own, and with all others in the type that
 * they and x have in common (transformAExprIn in src/backend/parser/parse_expr.c): so `x IN (1, 2.5)` of an integer x compares
 * numerics.
 */
export function canonicaliseIn(expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const name = qualifiedName(expr.name);
  if (name === undefined || expr.lexpr === undefined || expr.rexpr === undefined || !('List' in expr.rexpr))
    return unusable('unsupported IN');
  const nodes = expr.rexpr.List.items ?? [];
  if (isRow(expr.lexpr) || nodes.some(isRow)) return rowIn(name, expr, scope);

  const left = scope.canonicalise(expr.lexpr);
  if (isUnusable(left)) return left;
  const items = canonicaliseAll(nodes, scope);
  if ('unusable' in items) return items;
  const fixed: Expression[] = [];
  const others: Expression[] = [];
  for (const item of items) (tablesOf(item.template).length === 0 ? fixed : others).push(item);
  const parts: Expression[] = [];
  if (fixed.length > 1) {
    const list = inList(name, left, fixed, scope);
    if (isUnusable(list)) return list;
    parts.push(list);
  }
  for (const item of fixed.length > 1 ? others : items) {
    const comparison = binary(name, left, item, scope);
    if (isUnusable(comparison)) return comparison;
    parts.push(comparison);
  }
  return combine(name, parts, scope);
}

function combine(name: QualifiedName, parts: readonly Expression[], scope: ExpressionScope): Expression {
  return name.name === '=' ? disjunction(parts, scope) : conjunction(parts, scope);
}

function inList(
  name: QualifiedName,
  left: Expression,
  items: readonly Expression[],
  scope: ExpressionScope,
): Expression | Unusable {
  const { catalog, searchPath } = scope;
  const elementOid = commonType(
    catalog,
    [left, ...items].map(({ typeOid }) => typeOid),
  );
  if (elementOid === undefined || catalog.arrayTypeOf(elementOid) === undefined)
    return unusable('IN list of several types');
  const resolution = resolveOperator(catalog, searchPath, name, left.typeOid, elementOid);
  if (resolution?.isImmutable !== true) return unusable('operator is not immutable');
  const [leftOid = 0, itemOid = 0] = resolution.operandOids;
  let isQuiet = resolution.isBuiltin && comparesWithoutError(catalog, leftOid, itemOid);
  const element: Expression = { ...combined(items), template: '', typeOid: elementOid };
  const conversions = [
    convert(catalog, left, leftOid),
    convert(catalog, element, itemOid),
    ...items.map((item) => convert(catalog, item, elementOid)),
  ];
  for (const conversion of conversions) {
    if ('unusable' in conversion) return conversion;
    isQuiet &&= !conversion.mayRaise;
  }
  const textOf = (item: Expression): Template =>
    resolution.isBuiltin
      ? comparedTemplate({ operand: item, position: 1, name, resolution, otherOid: left.typeOid }, scope)
      : item.template;
  const texts = [...new Set(items.map(textOf))].sort();
  if (texts.length === 1 && items[0] !== undefined) return binary(name, left, items[0], scope);
  const flags = combined([left, ...items]);
  return {
    template: `(${left.template} ${name.name === '=' ? 'IN' : 'NOT IN'} (${texts.join(', ')}))`,
    typeOid: TypeOid.bool,
    mayRaise: flags.mayRaise || !(isQuiet || flags.isConstant),
    isConstant: flags.isConstant,
    collations: [],
    reads: flags.reads,
  };
}

/** `(a, b) IN ((1, 2), (3, 4))` is an OR of comparisons of rows. */
function rowIn(name: QualifiedName, expr: A_Expr, scope: ExpressionScope): Expression | Unusable {
  const items = expr.rexpr !== undefined && 'List' in expr.rexpr ? (expr.rexpr.List.items ?? []) : [];
  const parts: Expression[] = [];
  for (const item of items) {
    if (!isRow(expr.lexpr) || !isRow(item)) return unusable('IN list of several types');
    const comparison = compareRows(name, expr.lexpr, item, scope);
    if (isUnusable(comparison)) return comparison;
    parts.push(comparison);
  }
  return combine(name, inOrderOf(parts, scope), scope);
}

function inOrderOf(parts: readonly Expression[], scope: ExpressionScope): readonly Expression[] {
  const order = inOrder(
    parts.map(({ template }) => template),
    scope,
  );
  return [...parts].sort((a, b) => order.indexOf(a.template) - order.indexOf(b.template));
}
