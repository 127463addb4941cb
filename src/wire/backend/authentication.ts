import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { encodeMessage, int32 } from '../message-writer';

/** What an Authentication message (B) asks for, by its number. */
export const AuthenticationCode = {
  Ok: 0,
  CleartextPassword: 3,
  MD5Password: 5,
  GSS: 7,
  GSSContinue: 8,
  SSPI: 9,
  SASL: 10,
  SASLContinue: 11,
  SASLFinal: 12,
} as const;

/** Authentication… (B). The data (salt, mechanisms, challenge) is relayed, so it stays as it is; a view of the message. */
export interface Authentication {
  readonly kind: 'Authentication';
  readonly code: number;
  readonly data: Buffer;
}

/** Decodes a body, by default the whole buffer. */
export function decodeAuthentication(body: Buffer, start = 0, end = body.length): Authentication {
  const reader = new MessageReader(body, 'Authentication', start, end);
  return { kind: 'Authentication', code: reader.int32(), data: reader.bytes(reader.remaining) };
}

export function encodeAuthentication(message: Omit<Authentication, 'kind'>): Buffer {
  return encodeMessage(BackendCode.Authentication, int32(message.code), message.data);
}

/** Whether the server waits for the client after this message. */
export function asksClient(code: number): boolean {
  return code !== AuthenticationCode.Ok && code !== AuthenticationCode.SASLFinal;
}
