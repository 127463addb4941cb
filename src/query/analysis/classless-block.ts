import type { PartitionKey } from '../partition-key';
import type { BlockTable } from './block-tables';

/** Why none of a block's tables can carry a restriction. */
export function reasonWithoutClass(
  tables: readonly BlockTable[],
  partitionKeys: readonly PartitionKey[],
): string {
  const tracked = tables.filter(({ relation }) =>
    partitionKeys.some((key) => key.tables.has(`${relation.schema}.${relation.name}`)),
  );
  if (tracked.length === 0) return 'no partition key';
  if (tracked.every(({ isNullable }) => isNullable)) return 'outer join';
  if (tracked.every(({ isHidden, isNullable }) => isHidden || isNullable)) return 'renamed by an alias';
  if (tracked.some(({ relation }) => relation.hasColumnPrivileges)) return 'column privileges';
  return 'key column of another type';
}
