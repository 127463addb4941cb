import type { PartitionKeyType, PartitionValue } from '../query/partition-key';

/**
 * A partition key as programs write it: integers as number or bigint, timestamps as Date or in microseconds since 2000-01-01 as
 * bigint, NULL as null.
 */
export type KeyInput = PartitionValue | Date | null;

const microsecondsTo2000 = 946_684_800_000_000n;

/** The value in its canonical form. Throws TypeError for what the datatype cannot hold; sets check the rest. */
export function toPartitionValue(datatype: PartitionKeyType, value: Exclude<KeyInput, null>): PartitionValue {
  if (value instanceof Date) {
    if (datatype !== 'timestamp') throw new TypeError(`a key of type ${datatype} is no Date`);
    const milliseconds = value.getTime();
    if (Number.isNaN(milliseconds)) throw new TypeError('a key of type timestamp is a valid Date');
    return BigInt(milliseconds) * 1_000n - microsecondsTo2000;
  }
  if (datatype !== 'integer' || typeof value !== 'number') return value;
  if (!Number.isSafeInteger(value))
    throw new TypeError(`a key of type integer is a safe integer, or a bigint, not ${value}`);
  return BigInt(value);
}
