import { protocolViolation } from '../../errors/pg-error';
import { FrontendCode } from '../message-code';
import { cstring, encodeMessage, int32 } from '../message-writer';

/** SASLInitialResponse (F): the mechanism a client chose and, mostly, its first message. */
export interface SaslInitialResponse {
  readonly kind: 'SASLInitialResponse';
  readonly mechanism: string;
  /** null: it is still to come. */
  readonly data: Buffer | null;
}

/**
 * Decodes a body. What is wrong is said in the words of the server, whose place the proxy takes: PgError 08P01.
 *
 * @param chosen called with the mechanism before what follows it is looked at, as the server does
 */
export function decodeSaslInitialResponse(
  body: Buffer,
  chosen: (mechanism: string) => void,
): SaslInitialResponse {
  const zero = body.indexOf(0);
  if (zero === -1) throw protocolViolation('invalid string in message');
  const mechanism = body.toString('latin1', 0, zero);
  chosen(mechanism);
  if (body.length < zero + 5) throw protocolViolation('insufficient data left in message');
  const length = body.readInt32BE(zero + 1);
  const data = body.subarray(zero + 5);
  if (length < -1 || length > data.length) throw protocolViolation('insufficient data left in message');
  if (length < data.length && !(length === -1 && data.length === 0)) {
    throw protocolViolation('invalid message format');
  }
  return { kind: 'SASLInitialResponse', mechanism, data: length === -1 ? null : data };
}

export function encodeSaslInitialResponse({ mechanism, data }: Omit<SaslInitialResponse, 'kind'>): Buffer {
  const parts = data === null ? [int32(-1)] : [int32(data.length), data];
  return encodeMessage(FrontendCode.Password, cstring(mechanism), ...parts);
}
