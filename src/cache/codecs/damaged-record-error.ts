/**
 * Stored bytes are not what was written, or were written by a version this one does not know. It stays inside the cache:
 * the backend treats the entry as missing, deletes it and warns.
 */
export class DamagedRecordError extends Error {
  override readonly name = 'DamagedRecordError';
}
