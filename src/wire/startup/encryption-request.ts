import { uint32 } from '../message-writer';

export const sslRequestCode = 80877103;
export const gssEncRequestCode = 80877104;

/** SSLRequest or GSSENCRequest (F): asks to encrypt; answered by one byte, `S`, `G` or `N`. */
export interface EncryptionRequest {
  readonly kind: 'SSLRequest' | 'GSSENCRequest';
}

export function encodeEncryptionRequest(kind: EncryptionRequest['kind']): Buffer {
  return Buffer.concat([uint32(8), uint32(kind === 'SSLRequest' ? sslRequestCode : gssEncRequestCode)]);
}
