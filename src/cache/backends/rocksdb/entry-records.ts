import type { FragmentHash } from '../../../query/fragment/fragment';
import type { PartitionKeyType } from '../../../query/partition-key';
import type { CacheEntry, EntryDescription } from '../../cache-backend';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { decodeDescription, describeEntry, encodeDescription } from '../../codecs/description-codec';
import { openRecord, sealRecord } from '../../codecs/record';
import type { KeySet } from '../../key-set';
import type { NativeOperation } from './native-rocksdb';
import { entryKey } from './store-layout';

/** How a backend stores the keys of an entry. `decode` throws DamagedRecordError. */
export interface KeySetCodec {
  encode(keys: KeySet): Buffer;
  decode(datatype: PartitionKeyType, record: Buffer): KeySet;
}

/** Which entry a record belongs to. */
export interface EntryName {
  readonly partitionKey: string;
  readonly datatype: PartitionKeyType;
  readonly hash: FragmentHash;
}

/**
 * All that has to be written for an entry, in one batch with its place in the index: what an older entry of the same name had goes. And
 * its description as it is written.
 */
export function entryOperations(
  entry: CacheEntry,
  codec: KeySetCodec,
): { readonly operations: readonly NativeOperation[]; readonly description: EntryDescription } {
  const { partitionKey, hash } = entry.fragment;
  const keys = entryKey(partitionKey, hash, 'keySet');
  const record = entry.keys === undefined ? undefined : codec.encode(entry.keys);
  const description = describeEntry(entry, record?.length ?? 0);
  const operations: readonly NativeOperation[] = [
    {
      type: 'put',
      key: entryKey(partitionKey, hash, 'description'),
      value: encodeDescription(description),
    },
    { type: 'del', key: entryKey(partitionKey, hash, 'lastUsed') },
    record === undefined ? { type: 'del', key: keys } : { type: 'put', key: keys, value: record },
  ];
  return { operations, description };
}

export function removeOperations(partitionKey: string, hash: FragmentHash): readonly NativeOperation[] {
  const parts = ['description', 'lastUsed', 'keySet'] as const;
  return parts.map((part) => ({ type: 'del', key: entryKey(partitionKey, hash, part) }));
}

/** Throws DamagedRecordError for a description that is not the named entry's. */
export function readDescription(
  { partitionKey, datatype, hash }: EntryName,
  record: Buffer,
): EntryDescription {
  const description = decodeDescription(record);
  const { fragment } = description;
  if (fragment.hash !== hash || fragment.partitionKey !== partitionKey || fragment.datatype !== datatype) {
    throw new DamagedRecordError('belongs to another entry');
  }
  return description;
}

/** Throws DamagedRecordError if description and keys are not those of one entry. */
export function readEntry(
  name: EntryName,
  description: Buffer,
  keySet: Buffer | undefined,
  codec: KeySetCodec,
): CacheEntry {
  const read = readDescription(name, description);
  if ((read.status === 'ok') !== (keySet !== undefined)) throw new DamagedRecordError('has lost a part');
  const keys = keySet === undefined ? undefined : codec.decode(name.datatype, keySet);
  if (read.keyCount !== (keys?.size ?? 0) || read.hasNullKey !== (keys?.hasNullKey ?? false)) {
    throw new DamagedRecordError('has the keys of another entry');
  }
  return { ...read, keys };
}

export function encodeLastUsed(at: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeDoubleLE(at);
  return sealRecord('lastUsed', payload);
}

/** Milliseconds since 1970-01-01 UTC. Throws DamagedRecordError. */
export function decodeLastUsed(record: Buffer): number {
  const payload = openRecord('lastUsed', record);
  if (payload.length !== 8) throw new DamagedRecordError(`has ${payload.length} bytes for a time`);
  return payload.readDoubleLE();
}
