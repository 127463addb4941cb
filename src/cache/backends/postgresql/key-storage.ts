import type { PartitionKeyType } from '../../../query/partition-key';
import type { CacheCapabilities } from '../../cache-backend';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { fromBits, toBits } from '../../codecs/bits';
import { fromRoaring, toRoaring } from '../../codecs/roaring';
import type { KeySet } from '../../key-set';
import { toSortedKeySet } from '../../key-sets/create-key-set';
import { Int64KeySet } from '../../key-sets/int64-key-set';
import { decodeArray, encodeArray } from './array-codec';

/** Columns of the entry table that hold keys. */
export type KeyColumn = 'integers' | 'floats' | 'texts' | 'timestamps' | 'bits' | 'roaring';

/** What tells one backend in PostgreSQL from another: the column it keeps keys in, and in what form. */
export interface KeyStorage {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
  column(datatype: PartitionKeyType): KeyColumn;
  /** In the binary form of the column's type. */
  encode(keys: KeySet): Buffer;
  /** Throws DamagedRecordError. */
  decode(datatype: PartitionKeyType, bytes: Buffer, hasNullKey: boolean): KeySet;
  /** Statement of sql/cache/queries that intersects; undefined if the server cannot, so that it is done here. */
  readonly intersection: string | undefined;
  /** Schema of the extension that statement needs. */
  readonly extension?: string | undefined;
}

const arrayColumns: Readonly<Record<PartitionKeyType, KeyColumn>> = {
  integer: 'integers',
  float: 'floats',
  text: 'texts',
  timestamp: 'timestamps',
};

export const arrayStorage: KeyStorage = {
  name: 'postgresql_array',
  capabilities: { keyTypes: new Set(['integer', 'float', 'text', 'timestamp']) },
  column: (datatype) => arrayColumns[datatype],
  encode: encodeArray,
  decode: decodeArray,
  intersection: 'intersect-arrays',
};

/** @param capabilities of a set with a certain number of bits */
export function bitStorage(capabilities: CacheCapabilities): KeyStorage {
  return {
    name: 'postgresql_bit',
    capabilities,
    column: () => 'bits',
    encode: (keys) => encodeBits(toBits(integers(keys))),
    decode: (_datatype, bytes, hasNullKey) => fromBits(decodeBits(bytes), hasNullKey),
    intersection: 'intersect-bits',
  };
}

/** @param extension schema of pg_roaringbitmap; undefined if the server does not have it */
export function roaringStorage(extension: string | undefined): KeyStorage {
  return {
    name: 'postgresql_roaringbit',
    capabilities: { keyTypes: new Set(['integer']) },
    column: () => 'roaring',
    encode: (keys) => toRoaring(integers(keys)),
    decode: (_datatype, bytes, hasNullKey) => fromRoaring(bytes, hasNullKey),
    intersection: extension === undefined ? undefined : 'intersect-roaring',
    extension,
  };
}

function integers(keys: KeySet): Int64KeySet {
  const set = toSortedKeySet(keys);
  if (!(set instanceof Int64KeySet)) throw new TypeError(`no integers, but keys of type ${set.datatype}`);
  return set;
}

/** The binary form of bit varying: number of bits, then the bits. */
function encodeBits(bits: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bits.length * 8);
  return Buffer.concat([length, bits]);
}

function decodeBits(bytes: Buffer): Buffer {
  if (bytes.length < 4 || Math.ceil(bytes.readInt32BE() / 8) !== bytes.length - 4)
    throw new DamagedRecordError('holds no bits');
  return bytes.subarray(4);
}
