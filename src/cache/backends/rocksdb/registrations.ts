import type { PartitionKeyType } from '../../../query/partition-key';
import { encodeRegistrations } from '../../codecs/registrations-codec';
import type { NativeOperation } from './native-rocksdb';
import { registrationsKey } from './store-layout';

/** Writes down which partition keys are registered, all of them. */
export function registrationsOperation(registered: ReadonlyMap<string, PartitionKeyType>): NativeOperation {
  return { type: 'put', key: registrationsKey, value: encodeRegistrations(registered) };
}
