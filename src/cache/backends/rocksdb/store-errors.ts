import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
import { StartError } from '../../../errors/start-error';

/** What is in the directory cannot be read: damaged, or laid out by another version. Stays inside the backend. */
export class DamagedStoreError extends Error {
  override readonly name = 'DamagedStoreError';
}

/**
 * RocksDB reports status codes as the first words of a message. A file of the database that is not there is reported as an
 * input/output error, but means the same as a damaged one; a full disk or a lack of permission does not, and must never
 * lead to a directory being set aside.
 */
const damaged = /^(Corruption: |IO error: No such file or directory ?While open)/;
/** Opening writes what was in the log of the last time. */
const full = /No space left on device/;
const locked = /^IO error: (lock hold by current process|While lock file: )/;

/** The error of an operation on an open store, in our terms. */
export function translateError(backend: string, error: unknown): Error {
  const message = messageOf(error);
  if (damaged.test(message)) return new DamagedStoreError(message, { cause: error });
  return new CacheUnavailableError(backend, message, { cause: error });
}

/**
 * The error of opening a store: what the start is refused with, DamagedStoreError, or CacheUnavailableError for a full disk, which is no
 * reason for a proxy not to start.
 */
export function translateOpenError(directory: string, error: unknown): Error {
  const message = messageOf(error);
  if (damaged.test(message)) return new DamagedStoreError(message, { cause: error });
  if (locked.test(message)) {
    const owner = message.includes('current process') ? 'this process' : 'another process';
    return new StartError(
      `the cache directory ${directory} is in use by ${owner}; stop what uses it, or set another cache.path`,
      { cause: error },
    );
  }
  if (full.test(message))
    return new CacheUnavailableError(`the cache directory ${directory}`, message, { cause: error });
  return new StartError(`the cache directory ${directory} cannot be opened: ${message}`, { cause: error });
}

/** Whether an error made by translateOpenError says that the directory is in use. */
export function isLockError(error: unknown): boolean {
  return error instanceof StartError && locked.test(messageOf(error.cause));
}

/** Not by `instanceof Error`: errors of native code may be of another realm than ours. */
function messageOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message);
}
