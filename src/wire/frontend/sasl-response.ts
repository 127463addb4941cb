import { FrontendCode } from '../message-code';
import { encodeMessage } from '../message-writer';

/** SASLResponse (F): a message of the mechanism, and nothing else. */
export function encodeSaslResponse(data: Buffer): Buffer {
  return encodeMessage(FrontendCode.Password, data);
}
