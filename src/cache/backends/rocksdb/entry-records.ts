import type { FragmentHash } from '../../../query/fragment/fragment';
import type { PartitionKeyType } from '../../../query/partition-key';
import type { CacheEntry, EntryDescription } from '../../cache-backend';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { decodeDescription, describeEntry, encodeDescription } from '../../codecs/description-codec';
import { openRecord, sealRecord } from '../../codecs/record';
import { type EntryBenefit, noBenefit } from '../../entry-benefit';
import type { KeySet } from '../../key-set';
import type { NotedUse } from '../../use-notes';
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
 *
 * @param benefit of that older entry, which stays
 */
export function entryOperations(
  entry: CacheEntry,
  codec: KeySetCodec,
  benefit: EntryBenefit = noBenefit,
): { readonly operations: readonly NativeOperation[]; readonly description: EntryDescription } {
  const { partitionKey, hash } = entry.fragment;
  const { uses, savedMs } = benefit;
  const [keys, use] = [entryKey(partitionKey, hash, 'keySet'), entryKey(partitionKey, hash, 'use')];
  const record = entry.keys === undefined ? undefined : codec.encode(entry.keys);
  const description = describeEntry(entry, record?.length ?? 0);
  const operations: readonly NativeOperation[] = [
    {
      type: 'put',
      key: entryKey(partitionKey, hash, 'description'),
      value: encodeDescription(description),
    },
    uses > 0
      ? { type: 'put', key: use, value: encodeUse({ at: entry.lastUsedAt, uses, savedMs }) }
      : { type: 'del', key: use },
    record === undefined ? { type: 'del', key: keys } : { type: 'put', key: keys, value: record },
  ];
  return { operations, description };
}

export function removeOperations(partitionKey: string, hash: FragmentHash): readonly NativeOperation[] {
  const parts = ['description', 'use', 'keySet'] as const;
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

/** A time, and since benefits are kept two numbers more. */
const timeBytes = 8;
const useBytes = 24;

export function encodeUse({ at, uses, savedMs }: NotedUse): Buffer {
  const payload = Buffer.alloc(useBytes);
  [at, uses, savedMs].forEach((number, i) => payload.writeDoubleLE(number, timeBytes * i));
  return sealRecord('lastUsed', payload);
}

/** Throws DamagedRecordError. */
export function decodeUse(record: Buffer): NotedUse {
  const payload = openRecord('lastUsed', record);
  if (payload.length === timeBytes) return { at: payload.readDoubleLE(), ...noBenefit };
  if (payload.length !== useBytes) throw new DamagedRecordError(`has ${payload.length} bytes for a use`);
  const [at, uses, savedMs] = [0, 1, 2].map((i) => payload.readDoubleLE(timeBytes * i));
  return { at: at ?? 0, uses: uses ?? 0, savedMs: savedMs ?? 0 };
}
