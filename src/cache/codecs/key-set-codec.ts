import { assertNever } from '../../errors/assert-never';
import type { PartitionKeyType } from '../../query/partition-key';
import type { KeySet } from '../key-set';
import { type SortedKeySet, toSortedKeySet } from '../key-sets/create-key-set';
import { FloatKeySet } from '../key-sets/float-key-set';
import { Int64KeySet } from '../key-sets/int64-key-set';
import { TextKeySet } from '../key-sets/text-key-set';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { DamagedRecordError } from './damaged-record-error';
import { openRecord, sealRecord } from './record';

const datatypeCodes: Readonly<Record<PartitionKeyType, number>> = {
  integer: 1,
  float: 2,
  text: 3,
  timestamp: 4,
};
const nullKeyFlag = 0x80;

/**
 * A key set as bytes: datatype and NULL flag (1 byte), count, then by datatype
 * integer, timestamp: the first value as two's complement, each following as its distance from the one before less one,
 * all varints (keys that follow one another take a byte each);
 * float: 8 bytes each, lowest first; text: UTF-8 preceded by its length. In a sealed record, see record.ts.
 */
export function encodeKeySet(keySet: KeySet): Buffer {
  const set = toSortedKeySet(keySet);
  const writer = new ByteWriter(16 + set.size * (set.datatype === 'float' ? 8 : 2));
  writer.uint8(datatypeCodes[set.datatype] | (set.hasNullKey ? nullKeyFlag : 0));
  writer.varint(set.size);
  if (set instanceof Int64KeySet) writeInt64s(writer, set.sorted);
  else if (set instanceof FloatKeySet) for (const value of set.sorted) writer.float64(value);
  else for (const value of set.sorted) writer.text(value);
  return sealRecord('keySet', writer.finish());
}

/** Throws DamagedRecordError for anything but what encodeKeySet made of a set of this datatype. */
export function decodeKeySet(datatype: PartitionKeyType, record: Buffer): SortedKeySet {
  const reader = new ByteReader(openRecord('keySet', record));
  const tag = reader.uint8();
  if ((tag & ~nullKeyFlag) !== datatypeCodes[datatype])
    throw new DamagedRecordError(`holds no keys of type ${datatype}`);
  const size = reader.varint();
  // Each key takes a byte at least; checked before memory is taken for them.
  if (size > reader.remaining) throw new DamagedRecordError(`claims ${size} keys`);
  const set = readKeys(datatype, reader, size, (tag & nullKeyFlag) !== 0);
  reader.end();
  return set;
}

function readKeys(
  datatype: PartitionKeyType,
  reader: ByteReader,
  size: number,
  hasNullKey: boolean,
): SortedKeySet {
  switch (datatype) {
    case 'integer':
    case 'timestamp':
      return Int64KeySet.ofSorted(datatype, readInt64s(reader, size), hasNullKey);
    case 'float':
      return FloatKeySet.ofSorted(
        Float64Array.from({ length: size }, () => reader.float64()),
        hasNullKey,
      );
    case 'text':
      return TextKeySet.ofSorted(
        Array.from({ length: size }, () => reader.text()),
        hasNullKey,
      );
    default:
      return assertNever(datatype, 'datatype of a partition key');
  }
}

function writeInt64s(writer: ByteWriter, sorted: BigInt64Array): void {
  let next = 0n;
  for (const value of sorted) {
    const distance = BigInt.asUintN(64, value - next);
    writer.varint64(Number(distance & 0xffff_ffffn), Number(distance >> 32n));
    next = value + 1n;
  }
}

/** Adds up in 32-bit halves: a bigint each would take most of the time of a cache hit. */
function readInt64s(reader: ByteReader, size: number): BigInt64Array {
  const bytes = new DataView(new ArrayBuffer(size * 8));
  let low = 0;
  let high = 0;
  for (let i = 0; i < size; i++) {
    low += reader.varint64();
    high = (high + reader.high + (low > 0xffff_ffff ? 1 : 0)) | 0;
    low >>>= 0;
    bytes.setUint32(i * 8, low, true);
    bytes.setInt32(i * 8 + 4, high, true);
    low += 1;
    if (low > 0xffff_ffff) {
      low = 0;
      high = (high + 1) | 0;
    }
  }
  if (isLittleEndian) return new BigInt64Array(bytes.buffer);
  return BigInt64Array.from({ length: size }, (_, i) => bytes.getBigInt64(i * 8, true));
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
