import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The arithmetic of RFC 5802, section 3, with SHA-256 (RFC 7677). Texts are latin1: one character a byte. */

export const keyBytes = 32;

/** ClientProof, by which a client shows that it has the key of `storedKey`. */
export function clientProof(clientKey: Buffer, storedKey: Buffer, authMessage: string): Buffer {
  return exclusiveOr(clientKey, hmac(storedKey, authMessage));
}

/** The ClientKey a proof was made with; undefined if that is not the key of `storedKey`. The caller wipes it. */
export function recoverClientKey(proof: Buffer, storedKey: Buffer, authMessage: string): Buffer | undefined {
  const clientKey = exclusiveOr(proof, hmac(storedKey, authMessage));
  if (timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)) return clientKey;
  clientKey.fill(0);
  return undefined;
}

/** ServerSignature, by which a server shows that it has the verifier. */
export function serverSignature(serverKey: Buffer, authMessage: string): Buffer {
  return hmac(serverKey, authMessage);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'latin1').digest();
}

function exclusiveOr(a: Buffer, b: Buffer): Buffer {
  const result = Buffer.alloc(keyBytes);
  for (let i = 0; i < keyBytes; i++) result.writeUInt8(a.readUInt8(i) ^ b.readUInt8(i), i);
  return result;
}
