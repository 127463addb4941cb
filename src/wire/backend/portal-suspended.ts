import { BackendCode } from '../message-code';
import { encodeMessage } from '../message-writer';

/** PortalSuspended (B): as many rows as Execute asked for were sent; there may be more. */
export function encodePortalSuspended(): Buffer {
  return encodeMessage(BackendCode.PortalSuspended);
}
