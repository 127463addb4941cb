import { isUtf8 } from 'node:buffer';
import type { PartitionKeyType } from '../../../query/partition-key';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import type { KeySet } from '../../key-set';
import { createKeySet, toSortedKeySet } from '../../key-sets/create-key-set';
import { FloatKeySet } from '../../key-sets/float-key-set';
import { Int64KeySet } from '../../key-sets/int64-key-set';
import type { PartitionValue } from '../../../query/partition-key';

/** OIDs of the element types (src/include/catalog/pg_type.dat): int8, float8, text, timestamp. */
const elementOids: Readonly<Record<PartitionKeyType, number>> = {
  integer: 20,
  float: 701,
  text: 25,
  timestamp: 1114,
};

/*
 * The binary form of an array (array_send in src/backend/utils/adt/arrayfuncs.c): number of dimensions, whether there are NULLs,
 * type of the elements; for the one dimension its length and first subscript; then each element behind its length. It is exact
 * for every type: no float is rounded, no timestamp passes through DateStyle, no text through quoting.
 */

const emptyBytes = 12;
const headerBytes = 20;

export function encodeArray(keys: KeySet): Buffer {
  const set = toSortedKeySet(keys);
  const oid = elementOids[set.datatype];
  if (set.size === 0) return header(Buffer.alloc(emptyBytes), 0, oid);
  if (!(set instanceof Int64KeySet || set instanceof FloatKeySet)) return encodeTexts(set.sorted, oid);
  const bytes = header(Buffer.alloc(headerBytes + 12 * set.size), set.size, oid);
  let at = headerBytes;
  for (const value of set.sorted) {
    bytes.writeInt32BE(8, at);
    if (typeof value === 'bigint') bytes.writeBigInt64BE(value, at + 4);
    else bytes.writeDoubleBE(value, at + 4);
    at += 12;
  }
  return bytes;
}

/** The set of an array's elements, in whatever order they stand. Throws DamagedRecordError. */
export function decodeArray(datatype: PartitionKeyType, bytes: Buffer, hasNullKey: boolean): KeySet {
  return createKeySet(datatype, elementsOf(datatype, bytes), { hasNullKey });
}

function* elementsOf(datatype: PartitionKeyType, bytes: Buffer): Generator<PartitionValue, void, undefined> {
  if (bytes.length < emptyBytes || bytes.readUInt32BE(8) !== elementOids[datatype])
    throw new DamagedRecordError(`holds no keys of type ${datatype}`);
  if (bytes.readInt32BE(0) === 0) return;
  if (bytes.readInt32BE(0) !== 1 || bytes.readInt32BE(4) !== 0)
    throw new DamagedRecordError('holds NULL, or has more than one dimension');
  let at = headerBytes;
  for (let i = bytes.readInt32BE(12); i > 0; i--) {
    const length = bytes.readInt32BE(at);
    const element = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    yield readElement(datatype, element);
  }
}

function readElement(datatype: PartitionKeyType, element: Buffer): PartitionValue {
  if (datatype === 'float') return element.readDoubleBE();
  if (datatype !== 'text') return element.readBigInt64BE();
  if (!isUtf8(element)) throw new DamagedRecordError('holds text that is not UTF-8');
  return element.toString('utf8');
}

function header(bytes: Buffer, size: number, oid: number): Buffer {
  bytes.writeInt32BE(size === 0 ? 0 : 1, 0);
  bytes.writeUInt32BE(oid, 8);
  if (size === 0) return bytes;
  bytes.writeInt32BE(size, 12);
  bytes.writeInt32BE(1, 16);
  return bytes;
}

function encodeTexts(texts: readonly string[], oid: number): Buffer {
  const parts: Buffer[] = [header(Buffer.alloc(headerBytes), texts.length, oid)];
  for (const text of texts) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(Buffer.byteLength(text));
    parts.push(length, Buffer.from(text));
  }
  return Buffer.concat(parts);
}
