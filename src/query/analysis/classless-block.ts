import type { PartitionKey } from '../partition-key';
import type { BlockTable } from './block-tables';

/** Why none of a block's tables can carry a restriction, and of which keys there are any. */
export function withoutClass(
  tables: readonly BlockTable[],
  partitionKeys: readonly PartitionKey[],
): { readonly reason: string; readonly unkeyed?: readonly string[] } {
  const unkeyed = partitionKeys.filter((key) => tables.some((table) => isOf(key, table)));
  const reason = reasonFor(tables.filter((table) => unkeyed.some((key) => isOf(key, table))));
  return unkeyed.length === 0 ? { reason } : { reason, unkeyed: unkeyed.map(({ name }) => name) };
}

function isOf({ tables }: PartitionKey, { relation }: BlockTable): boolean {
  return tables.has(`${relation.schema}.${relation.name}`);
}

function reasonFor(tracked: readonly BlockTable[]): string {
  if (tracked.length === 0) return 'no partition key';
  if (tracked.every(({ isNullable }) => isNullable)) return 'outer join';
  if (tracked.every(({ isHidden, isNullable }) => isHidden || isNullable)) return 'renamed by an alias';
  if (tracked.some(({ relation }) => relation.hasColumnPrivileges)) return 'column privileges';
  return 'key column of another type';
}
