import { FrontendCode } from '../message-code';
import { encodeMessage } from '../message-writer';

/** CopyData (F): a part of the data of COPY. */
export function encodeCopyData(data: Buffer): Buffer {
  return encodeMessage(FrontendCode.CopyData, data);
}
