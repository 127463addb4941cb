import { FrontendCode } from '../message-code';
import { encodeMessage } from '../message-writer';

/** Sync (F): end of a run of extended-query messages; the server answers ReadyForQuery. */
export function encodeSync(): Buffer {
  return encodeMessage(FrontendCode.Sync);
}
