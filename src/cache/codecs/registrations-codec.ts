import { type PartitionKeyType, partitionKeyTypes } from '../../query/partition-key';
import { DamagedRecordError } from './damaged-record-error';
import { openRecord, sealRecord } from './record';

/** Which partition keys are registered, all of them, as JSON in a sealed record. */
export function encodeRegistrations(registered: ReadonlyMap<string, PartitionKeyType>): Buffer {
  return sealRecord('registrations', Buffer.from(JSON.stringify([...registered])));
}

/** Throws DamagedRecordError for anything but what encodeRegistrations made. */
export function decodeRegistrations(record: Buffer): Map<string, PartitionKeyType> {
  const registered = new Map<string, PartitionKeyType>();
  for (const pair of parsePairs(openRecord('registrations', record).toString('utf8'))) {
    const [name, type] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    const datatype = partitionKeyTypes.find((candidate) => candidate === type);
    if (typeof name !== 'string' || datatype === undefined)
      throw new DamagedRecordError('has an unknown datatype');
    registered.set(name, datatype);
  }
  return registered;
}

function parsePairs(text: string): readonly unknown[] {
  let pairs: unknown;
  try {
    pairs = JSON.parse(text);
  } catch (cause) {
    throw new DamagedRecordError('is not JSON', { cause });
  }
  if (!Array.isArray(pairs)) throw new DamagedRecordError('is no list of partition keys');
  return pairs as readonly unknown[];
}
