import type { Node, NullTest, RowExpr } from '@pgsql/types';
import type { QualifiedName } from '../../ast/names';
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
import { applyOperator, binary, hasBuiltinImage } from './apply-operator';
import { canonicaliseNullTest, conjunction, disjunction } from './boolean';
import { comparisonOperators } from '../raising/comparison';

/** `(a, b)` or `ROW(a, b)`, as it is written. */
export type RowNode = Node & { readonly RowExpr: RowExpr };

export function isRow(node: Node | undefined): node is RowNode {
  return node !== undefined && 'RowExpr' in node;
}

/**
 * A comparison of two rows, by the comparisons of their columns (manual, "Row Constructor Comparison"): all of them for `=`, any
 * for `<>`. For the others the first that differs counts; those keep the form of a row.
 */
export function compareRows(
  name: QualifiedName,
  left: RowNode,
  right: RowNode,
  scope: ExpressionScope,
): Expression | Unusable {
  const lefts = canonicaliseAll(left.RowExpr.args, scope);
  const rights = canonicaliseAll(right.RowExpr.args, scope);
  if ('unusable' in lefts) return lefts;
  if ('unusable' in rights) return rights;
  if (lefts.length !== rights.length || !comparisonOperators.has(name.name))
    return unusable('unsupported comparison of rows');
  const pairs = lefts.flatMap((one, i) => {
    const other = rights[i];
    return other === undefined ? [] : [[one, other] as const];
  });
  if (name.name !== '=' && name.name !== '<>') return orderedRows(name, pairs, scope);
  const parts: Expression[] = [];
  for (const [one, other] of pairs) {
    const part = binary(name, one, other, scope);
    if (isUnusable(part)) return part;
    parts.push(part);
  }
  return name.name === '=' ? conjunction(parts, scope) : disjunction(parts, scope);
}

function orderedRows(
  name: QualifiedName,
  pairs: readonly (readonly [Expression, Expression])[],
  scope: ExpressionScope,
): Expression | Unusable {
  let mayRaise = false;
  for (const [one, other] of pairs) {
    const outcome = applyOperator(name, one, other, scope);
    if ('unusable' in outcome) return outcome;
    mayRaise ||= outcome.mayRaise;
    if (!outcome.resolution.isBuiltin || !hasBuiltinImage(name, [one, other], outcome.resolution, scope))
      return unusable('unsupported comparison of rows');
  }
  const isMirrored = name.name.startsWith('>');
  const row = (side: 0 | 1): string => `ROW(${pairs.map((pair) => pair[side].template).join(', ')})`;
  const [first, second] = isMirrored ? [row(1), row(0)] : [row(0), row(1)];
  const flags = combined(pairs.flat());
  return {
    template: `(${first} ${isMirrored ? name.name.replace('>', '<') : name.name} ${second})`,
    typeOid: TypeOid.bool,
    mayRaise: mayRaise || flags.mayRaise,
    isConstant: flags.isConstant,
    collations: [],
    reads: flags.reads,
  };
}

/** `(a, b) IS NULL`: every column is; `IS NOT NULL`: none is. One that is a row itself counts as a whole, and stays out. */
export function testRow(test: NullTest, row: RowNode, scope: ExpressionScope): Expression | Unusable {
  const parts: Expression[] = [];
  for (const arg of row.RowExpr.args ?? []) {
    const operand = scope.canonicalise(arg);
    if (isUnusable(operand)) return operand;
    const kind = scope.catalog.type(scope.catalog.domainBaseOid(operand.typeOid))?.kind;
    if (isRow(arg) || kind === undefined || kind === 'c') return unusable('a row in a row');
    const part = canonicaliseNullTest({ ...test, arg }, scope);
    if (isUnusable(part)) return part;
    parts.push(part);
  }
  return parts.length === 0 ? unusable('an empty row') : conjunction(parts, scope);
}
