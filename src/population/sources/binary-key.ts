import { isUtf8 } from 'node:buffer';
import type { PartitionKeyType, PartitionValue } from '../../query/partition-key';

/** Types of pg_type whose values a key of each datatype can be read from, in their binary format, exactly. */
const readers: Readonly<Record<PartitionKeyType, ReadonlyMap<number, (bytes: Buffer) => PartitionValue>>> = {
  integer: new Map([
    [21, (bytes) => BigInt(bytes.readInt16BE())],
    [23, (bytes) => BigInt(bytes.readInt32BE())],
    [20, (bytes) => bytes.readBigInt64BE()],
  ]),
  float: new Map([
    // A float4 is widened as PostgreSQL widens it for a comparison with float8: 0.1::float4 is not 0.1.
    [700, (bytes) => canonicalFloat(bytes.readFloatBE())],
    [701, (bytes) => canonicalFloat(bytes.readDoubleBE())],
  ]),
  text: new Map([
    [25, readText],
    [1043, readText],
  ]),
  timestamp: new Map([
    [1114, (bytes) => bytes.readBigInt64BE()],
    [1184, (bytes) => bytes.readBigInt64BE()],
    [1082, (bytes) => daysToMicroseconds(bytes.readInt32BE())],
  ]),
};

/** The type of the one column in what `record_send(row(key))` gives (src/backend/utils/adt/rowtypes.c): its OID follows a count. */
export function keyTypeOid(record: Buffer): number {
  return record.readUInt32BE(4);
}

/**
 * Reads what `record_send(row(key))` gives: after count and type a length (-1: NULL) and the value's bytes. null means a NULL key.
 *
 * @param typeOid of the column; of a domain what it is made of, whose bytes it has
 */
export function readBinaryKey(
  datatype: PartitionKeyType,
  record: Buffer,
  typeOid: number,
): PartitionValue | null {
  const read = readers[datatype].get(typeOid);
  if (read === undefined) {
    throw new UnreadableKeyError(
      `a key of datatype ${datatype} cannot be read from a column of the type with OID ${typeOid}`,
    );
  }
  return record.readInt32BE(8) === -1 ? null : read(record.subarray(12));
}

/** The fragment's column is of a type its datatype does not go with. */
export class UnreadableKeyError extends Error {
  override readonly name = 'UnreadableKeyError';
}

/** A database with encoding SQL_ASCII sends whatever it holds; what is not UTF-8 would come out as another key. */
function readText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new UnreadableKeyError('a text key is not valid UTF-8');
  return bytes.toString('utf8');
}

function canonicalFloat(value: number): number {
  return value === 0 ? 0 : value;
}

/** A date can be later than any timestamp. date's infinities are the ends of int4; a timestamp's those of int8. */
function daysToMicroseconds(days: number): bigint {
  if (days === 2 ** 31 - 1) return 2n ** 63n - 1n;
  if (days === -(2 ** 31)) return -(2n ** 63n);
  const micros = BigInt(days) * 86_400_000_000n;
  if (BigInt.asIntN(64, micros) !== micros)
    throw new UnreadableKeyError('a date is beyond the last timestamp');
  return micros;
}
