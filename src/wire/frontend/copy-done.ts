import { FrontendCode } from '../message-code';
import { encodeMessage } from '../message-writer';

/** CopyDone (F): the data of COPY is complete. */
export function encodeCopyDone(): Buffer {
  return encodeMessage(FrontendCode.CopyDone);
}
