import type { Node } from '@pgsql/types';
import { bucketStepsOf } from '../../fragment/fragment-options';
import type { PartitionKey } from '../../partition-key';
import type { Expression, ExpressionScope } from '../expression';
import { parseDecimal, type Decimal } from './decimal';
import { widenedExpression } from './widened-expression';

/** A condition that follows from another, and the partition keys in whose fragments it takes its place. */
export interface WidenedCondition {
  readonly expression: Expression;
  readonly partitionKeys: ReadonlySet<string>;
}

/** What a condition becomes in the fragments of keys with `bucket_steps`: nothing for most. */
export function widenedConditions(
  node: Node,
  original: Expression,
  scope: ExpressionScope,
): readonly WidenedCondition[] {
  const found = new Map<string, { expression: Expression; partitionKeys: Set<string> }>();
  for (const key of scope.partitionKeys) {
    if (!hasSteps(key)) continue;
    const expression = widenedExpression(node, scope, (tables) => stepFor(key, tables, scope));
    if (expression === undefined || expression.template === original.template) continue;
    const known = found.get(expression.template) ?? { expression, partitionKeys: new Set() };
    known.partitionKeys.add(key.name);
    found.set(expression.template, known);
  }
  return [...found.values()];
}

function hasSteps({ fragments }: PartitionKey): boolean {
  return fragments !== undefined && (fragments.bucketSteps !== undefined || fragments.tables.size > 0);
}

/** The widest of the tables' steps, so that it does not matter which of them comes first. */
function stepFor(
  { fragments }: PartitionKey,
  tables: readonly number[],
  scope: ExpressionScope,
): Decimal | undefined {
  let widest: Decimal | undefined;
  for (const index of tables) {
    const relation = scope.tables.find((table) => table.index === index)?.relation;
    const text = fragments && relation && bucketStepsOf(fragments, `${relation.schema}.${relation.name}`);
    const step = text === undefined ? undefined : parseDecimal(text);
    if (step === undefined || step.digits <= 0n) continue;
    if (widest === undefined || isLess(widest, step)) widest = step;
  }
  return widest;
}

function isLess(left: Decimal, right: Decimal): boolean {
  return left.digits * 10n ** BigInt(right.scale) < right.digits * 10n ** BigInt(left.scale);
}
