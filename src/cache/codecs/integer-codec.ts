import type { PartitionKeyType } from '../../query/partition-key';
import type { KeySet } from '../key-set';
import { toSortedKeySet } from '../key-sets/create-key-set';
import { Int64KeySet } from '../key-sets/int64-key-set';
import { DamagedRecordError } from './damaged-record-error';
import { openRecord, sealRecord } from './record';

/** Sealed records of integer key sets: the NULL flag (1 byte), then the keys as `toBytes` has them. */
export function integerCodec(
  toBytes: (keys: Int64KeySet) => Buffer,
  fromBytes: (bytes: Buffer, hasNullKey: boolean) => Int64KeySet,
): {
  encode(keys: KeySet): Buffer;
  decode(datatype: PartitionKeyType, record: Buffer): KeySet;
} {
  return {
    encode: (keys) => {
      const set = toSortedKeySet(keys);
      if (!(set instanceof Int64KeySet)) throw new TypeError(`no integers, but keys of type ${set.datatype}`);
      return sealRecord('keySet', Buffer.concat([Buffer.of(Number(set.hasNullKey)), toBytes(set)]));
    },
    decode: (_datatype, record) => {
      const payload = openRecord('keySet', record);
      const flag = payload[0];
      if (flag !== 0 && flag !== 1) throw new DamagedRecordError('has no NULL flag');
      return fromBytes(payload.subarray(1), flag === 1);
    },
  };
}
