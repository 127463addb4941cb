import { protocolViolation } from '../../errors/pg-error';
import { FrontendCode } from '../message-code';

/** PostgreSQL's own bound on a message of SASL, its length word included (PG_MAX_SASL_MESSAGE_LENGTH). */
const maxLength = 1024;
const headerBytes = 5;

export type SaslResponse =
  /** SASLInitialResponse or SASLResponse: what was asked for says which. A view of what was fed. */
  | { readonly kind: 'body'; readonly body: Buffer }
  /** A length PostgreSQL does not read: it takes that for a wrong password. */
  | { readonly kind: 'badLength' };

/** Cuts what a client sends while it is asked for SASL messages; what comes behind them stays inside. */
export class SaslResponseReader {
  private received: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
  }

  get isEmpty(): boolean {
    return this.received.length === 0;
  }

  /** The next message, or undefined while it is incomplete. Throws PgError 08P01 for any other. */
  next(): SaslResponse | undefined {
    const { received } = this;
    if (received.length === 0) return undefined;
    const code = received.readUInt8(0);
    if (code !== FrontendCode.Password) {
      throw protocolViolation(`expected SASL response, got message type ${String(code)}`);
    }
    if (received.length < headerBytes) return undefined;
    const length = received.readUInt32BE(1);
    if (length < 4 || length > maxLength) return { kind: 'badLength' };
    if (received.length < length + 1) return undefined;
    this.received = received.subarray(length + 1);
    return { kind: 'body', body: received.subarray(headerBytes, length + 1) };
  }

  takeRest(): Buffer {
    const rest = this.received;
    this.received = Buffer.alloc(0);
    return rest;
  }
}
