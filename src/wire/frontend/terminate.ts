import { FrontendCode } from '../message-code';
import { encodeMessage } from '../message-writer';

/** Terminate (F): the session ends. */
export function encodeTerminate(): Buffer {
  return encodeMessage(FrontendCode.Terminate);
}
