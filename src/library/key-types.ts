import { TypeOid } from '../query/catalog/catalog';
import type { PartitionKeyType } from '../query/partition-key';

const types: Readonly<Record<PartitionKeyType, readonly number[]>> = {
  integer: [TypeOid.int2, TypeOid.int4, TypeOid.int8],
  float: [TypeOid.float4, TypeOid.float8],
  text: [TypeOid.text, TypeOid.varchar],
  timestamp: [TypeOid.date, TypeOid.timestamp, TypeOid.timestamptz],
};

/** The types that a column with keys of a datatype can have, as key-classes.ts has them. */
export function typeOidsOf(datatype: PartitionKeyType): readonly number[] {
  return types[datatype];
}
