import { FrontendCode } from '../message-code';
import { encodeMessage } from '../message-writer';

/** Flush (F): send what has been answered so far. */
export function encodeFlush(): Buffer {
  return encodeMessage(FrontendCode.Flush);
}
