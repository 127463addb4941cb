import { malformed, ScramAttributes } from './scram-attributes';

/** server-first-message (RFC 5802, section 7): the challenge. */
export interface ServerFirstMessage {
  /** The client's nonce, and behind it the server's. */
  readonly nonce: string;
  /** In base64. */
  readonly salt: string;
  readonly iterations: number;
}

/** Throws PgError 08P01. */
export function decodeServerFirst(text: string): ServerFirstMessage {
  const attributes = new ScramAttributes(text);
  const nonce = attributes.value('r');
  const salt = attributes.value('s');
  const iterations = attributes.value('i');
  if (!/^[0-9]{1,10}$/.test(iterations)) throw malformed('Invalid iteration count.');
  return { nonce, salt, iterations: Number(iterations) };
}

export function encodeServerFirst({ nonce, salt, iterations }: ServerFirstMessage): string {
  return `r=${nonce},s=${salt},i=${String(iterations)}`;
}
