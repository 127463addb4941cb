import type { TrackedTable } from '../freshness/tracking';
import type { PartitionKey } from '../query/partition-key';

/** The tables of partition keys, as change tracking names them. */
export function trackedTables(partitionKeys: readonly PartitionKey[]): readonly TrackedTable[] {
  return partitionKeys.flatMap(({ tables }) =>
    [...tables].map(([name, keyColumn]) => {
      const dot = name.indexOf('.');
      return { schema: name.slice(0, dot), table: name.slice(dot + 1), keyColumn };
    }),
  );
}
