import { protocolViolation } from '../../errors/pg-error';
import { uint32 } from '../message-writer';

export const cancelRequestCode = 80877102;
/** Of the length and code words. */
export const cancelHeaderBytes = 8;
const minKeyBytes = 4;
const maxKeyBytes = 256;

/** CancelRequest (F): on a connection of its own, asks to interrupt what another session is running. */
export interface CancelRequest {
  readonly kind: 'CancelRequest';
  readonly processId: number;
  /** 4 bytes in protocol 3.0, up to 256 since 3.2. */
  readonly secretKey: Buffer;
}

/** Decodes what follows the length and code words. */
export function decodeCancelRequest(body: Buffer): CancelRequest {
  const keyBytes = body.length - 4;
  if (keyBytes < minKeyBytes || keyBytes > maxKeyBytes) {
    throw protocolViolation('malformed CancelRequest message', `Its key would have ${keyBytes} bytes.`);
  }
  return { kind: 'CancelRequest', processId: body.readUInt32BE(0), secretKey: Buffer.from(body.subarray(4)) };
}

export function encodeCancelRequest(request: Omit<CancelRequest, 'kind'>): Buffer {
  return Buffer.concat([
    uint32(12 + request.secretKey.length),
    uint32(cancelRequestCode),
    uint32(request.processId),
    request.secretKey,
  ]);
}
