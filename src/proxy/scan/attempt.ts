import { PgError } from '../../errors/pg-error';

/** Decodes a message; undefined if it is malformed, for the server to say so. */
export function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof PgError) return undefined;
    throw error;
  }
}
