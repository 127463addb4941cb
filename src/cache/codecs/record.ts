import { crc32 } from './crc32';
import { DamagedRecordError } from './damaged-record-error';

/**
 * A stored value: version (1 byte), kind (1 byte), payload, CRC-32 of all before (4 bytes, lowest first). The kind keeps a
 * record of one sort from being read as another; the version is raised whenever the payload of its kind changes.
 */
export const recordKinds = {
  keySet: 1,
  description: 2,
  lastUsed: 3,
  index: 4,
  registrations: 5,
  layout: 6,
  exportEnd: 7,
  queue: 8,
} as const;
export type RecordKind = keyof typeof recordKinds;

const versions: Readonly<Record<RecordKind, number>> = {
  keySet: 1,
  description: 1,
  lastUsed: 1,
  index: 1,
  registrations: 1,
  layout: 1,
  exportEnd: 1,
  queue: 1,
};

const headerBytes = 2;
const checksumBytes = 4;

export function sealRecord(kind: RecordKind, payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(headerBytes + payload.length + checksumBytes);
  record[0] = versions[kind];
  record[1] = recordKinds[kind];
  record.set(payload, headerBytes);
  record.writeUInt32LE(crc32(record.subarray(0, -checksumBytes)), record.length - checksumBytes);
  return record;
}

/** The payload, sharing the record's memory. Throws DamagedRecordError. */
export function openRecord(kind: RecordKind, record: Buffer): Buffer {
  if (record.length < headerBytes + checksumBytes)
    throw new DamagedRecordError(`has only ${record.length} bytes`);
  if (record[0] !== versions[kind]) {
    throw new DamagedRecordError(`has version ${record[0] ?? '?'}, this program reads ${versions[kind]}`);
  }
  if (record[1] !== recordKinds[kind]) throw new DamagedRecordError(`is no ${kind} record`);
  if (record.readUInt32LE(record.length - checksumBytes) !== crc32(record.subarray(0, -checksumBytes))) {
    throw new DamagedRecordError('does not match its checksum');
  }
  return record.subarray(headerBytes, -checksumBytes);
}

/** Whether a record says it is of this kind; only openRecord finds out whether it is sound. */
export function isRecordOf(kind: RecordKind, record: Buffer): boolean {
  return record[1] === recordKinds[kind];
}
