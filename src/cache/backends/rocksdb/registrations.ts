import { type PartitionKeyType, partitionKeyTypes } from '../../../query/partition-key';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { openRecord, sealRecord } from '../../codecs/record';
import type { NativeOperation } from './native-rocksdb';
import { registrationsKey } from './store-layout';

/** Writes down which partition keys are registered, all of them. */
export function registrationsOperation(registered: ReadonlyMap<string, PartitionKeyType>): NativeOperation {
  const payload = Buffer.from(JSON.stringify([...registered]));
  return { type: 'put', key: registrationsKey, value: sealRecord('registrations', payload) };
}

/** Throws DamagedRecordError. A store that has no such record has no partition keys. */
export function readRegistrations(record: Buffer | undefined): Map<string, PartitionKeyType> {
  const registered = new Map<string, PartitionKeyType>();
  if (record === undefined) return registered;
  const pairs: unknown = JSON.parse(openRecord('registrations', record).toString('utf8'));
  if (!Array.isArray(pairs)) throw new DamagedRecordError('is no list of partition keys');
  for (const pair of pairs as readonly unknown[]) {
    const [name, type] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    const datatype = partitionKeyTypes.find((candidate) => candidate === type);
    if (typeof name !== 'string' || datatype === undefined)
      throw new DamagedRecordError('has an unknown datatype');
    registered.set(name, datatype);
  }
  return registered;
}
