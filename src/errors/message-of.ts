import { types } from 'node:util';

/**
 * The message of whatever was thrown. Asks for a native error instead of an instance of this realm's Error: Node's own
 * errors come from another realm where code runs inside a vm context, as it does under jest.
 */
export function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error);
}
