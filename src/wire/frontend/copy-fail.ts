import { FrontendCode } from '../message-code';
import { cstring, encodeMessage } from '../message-writer';

/** CopyFail (F): the client gives up a COPY; the server answers with an error that names the reason. */
export function encodeCopyFail(reason: string): Buffer {
  return encodeMessage(FrontendCode.CopyFail, cstring(reason));
}
