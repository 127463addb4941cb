import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { encodeMessage, uint32 } from '../message-writer';

/** BackendKeyData (B): what a CancelRequest for this session has to carry. The key is a view of the message. */
export interface BackendKeyData {
  readonly kind: 'BackendKeyData';
  readonly processId: number;
  /** 4 bytes in protocol 3.0, up to 256 since 3.2. */
  readonly secretKey: Buffer;
}

/** Decodes a body, by default the whole buffer. */
export function decodeBackendKeyData(body: Buffer, start = 0, end = body.length): BackendKeyData {
  const reader = new MessageReader(body, 'BackendKeyData', start, end);
  return {
    kind: 'BackendKeyData',
    processId: reader.uint32(),
    secretKey: reader.bytes(reader.remaining),
  };
}

export function encodeBackendKeyData(message: Omit<BackendKeyData, 'kind'>): Buffer {
  return encodeMessage(BackendCode.BackendKeyData, uint32(message.processId), message.secretKey);
}
