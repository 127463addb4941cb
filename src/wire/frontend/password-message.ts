import { FrontendCode } from '../message-code';
import { cstring, encodeMessage } from '../message-writer';

/** PasswordMessage (F): a clear-text or MD5 password. */
export function encodePasswordMessage(password: string): Buffer {
  return encodeMessage(FrontendCode.Password, cstring(password));
}
