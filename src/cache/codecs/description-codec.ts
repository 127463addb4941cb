import { partitionKeyTypes } from '../../query/partition-key';
import type { EntryDescription, EntryStatus } from '../cache-backend';
import { DamagedRecordError } from './damaged-record-error';
import { openRecord, sealRecord } from './record';
import { parseTagged, stringifyTagged } from './tagged-json';

const statuses: Readonly<Record<EntryStatus, true>> = {
  ok: true,
  timeout: true,
  too_large: true,
  failed: true,
};

/**
 * A description as JSON in a sealed record. Whoever changes EntryDescription or Fragment so that old ones would be misread
 * raises the version in record.ts: older entries are then missing, not wrong.
 */
export function encodeDescription(description: EntryDescription): Buffer {
  return sealRecord('description', Buffer.from(stringifyTagged(description)));
}

/** Throws DamagedRecordError for anything but what encodeDescription made. */
export function decodeDescription(record: Buffer): EntryDescription {
  const value = checkDescription(parse(openRecord('description', record).toString('utf8')));
  // JSON leaves out what is undefined; the interface promises that the properties exist.
  return { ...value, snapshot: value.snapshot, error: value.error };
}

/** The same, if it is what it is taken for. Throws DamagedRecordError. */
export function checkDescription(value: unknown): EntryDescription {
  if (isDescription(value)) return value;
  throw new DamagedRecordError('is no description of an entry');
}

/** The description alone; `keys` of an entry is stored on its own, in so many bytes. */
export function describeEntry(entry: EntryDescription, bytes = entry.bytes): EntryDescription {
  const {
    fragment,
    status,
    keyCount,
    hasNullKey,
    snapshot,
    createdAt,
    lastUsedAt,
    computeMs,
    error,
    failures,
    origin,
  } = entry;
  const description = {
    fragment,
    status,
    keyCount,
    hasNullKey,
    snapshot,
    createdAt,
    lastUsedAt,
    computeMs,
    error,
  };
  return {
    ...description,
    ...(failures === undefined ? {} : { failures }),
    ...(origin === undefined ? {} : { origin }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}

function parse(text: string): unknown {
  try {
    return parseTagged(text);
  } catch (cause) {
    throw new DamagedRecordError('is not JSON', { cause });
  }
}

/** Catches a format that changed without its version: for bytes, a checksum vouches. */
function isDescription(value: unknown): value is EntryDescription {
  if (!isObject(value) || !isObject(value['fragment'])) return false;
  const { fragment, status } = value;
  return (
    typeof status === 'string' &&
    Object.hasOwn(statuses, status) &&
    ['keyCount', 'createdAt', 'lastUsedAt', 'computeMs'].every((name) => typeof value[name] === 'number') &&
    typeof value['hasNullKey'] === 'boolean' &&
    ['hash', 'partitionKey', 'sql', 'contextId'].every((name) => typeof fragment[name] === 'string') &&
    partitionKeyTypes.some((type) => type === fragment['datatype']) &&
    ['tables', 'conjuncts'].every((name) => isListOfObjects(fragment[name])) &&
    isObject(fragment['settings'])
  );
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
