import { timingSafeEqual } from 'node:crypto';
import { protocolViolation } from '../../errors/pg-error';
import { type SaslInitialResponse } from '../frontend/sasl-initial-response';
import { bindingType } from './client-first-message';
import { ScramAttributes } from './scram-attributes';
import { clientProof, serverSignature } from './scram-keys';
import { scramMechanism, scramPlusMechanism } from './scram-server';
import { decodeServerFirst, type ServerFirstMessage } from './server-first-message';

/**
 * The client's side of one SCRAM exchange, as libpq holds it but for one thing: instead of a password there is the key
 * that was made of it. `begin`, `readChallenge`, `prove`, `isSigned`, in this order. Throws PgError 08P01 for what no
 * server says.
 */
export class ScramClient {
  readonly mechanism: string;
  private readonly gs2Header: string;
  private readonly bare: string;
  private challenge: ServerFirstMessage | undefined;
  private serverFirst = '';
  private withoutProof = '';

  /**
   * @param endPoint the binding data of the server's certificate (RFC 5929), if there is any
   * @param nonce random, printable, without commas
   */
  constructor(
    offered: readonly string[],
    private readonly endPoint: Buffer | undefined,
    private readonly nonce: string,
  ) {
    const isPlusOffered = offered.includes(scramPlusMechanism);
    const isPlus = isPlusOffered && endPoint !== undefined;
    this.mechanism = isPlus ? scramPlusMechanism : scramMechanism;
    // y says that we would have bound if we had been offered to: a server that did offer it then knows of somebody between.
    const isMissed = endPoint !== undefined && !isPlusOffered;
    this.gs2Header = isPlus ? `p=${bindingType},,` : isMissed ? 'y,,' : 'n,,';
    this.bare = `n=,r=${nonce}`;
  }

  begin(): SaslInitialResponse {
    return {
      kind: 'SASLInitialResponse',
      mechanism: this.mechanism,
      data: Buffer.from(this.gs2Header + this.bare, 'latin1'),
    };
  }

  readChallenge(data: Buffer): ServerFirstMessage {
    const text = data.toString('latin1');
    const challenge = decodeServerFirst(text);
    const { nonce } = challenge;
    if (!nonce.startsWith(this.nonce) || nonce.length === this.nonce.length) {
      throw protocolViolation('invalid SCRAM challenge', 'The nonce does not begin with ours.');
    }
    this.serverFirst = text;
    this.challenge = challenge;
    return challenge;
  }

  /** client-final-message with a proof by the key of `storedKey`. */
  prove(clientKey: Buffer, storedKey: Buffer): Buffer {
    return this.finish((authMessage) => clientProof(clientKey, storedKey, authMessage));
  }

  /** client-final-message with a proof that is none. */
  fail(randomProof: Buffer): Buffer {
    return this.finish(() => randomProof);
  }

  /** Whether server-final-message shows that the server has the verifier. */
  isSigned(data: Buffer, serverKey: Buffer): boolean {
    const signature = Buffer.from(new ScramAttributes(data.toString('latin1')).value('v'), 'base64');
    const expected = serverSignature(serverKey, this.authMessage);
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }

  private finish(proofOf: (authMessage: string) => Buffer): Buffer {
    const { gs2Header, challenge } = this;
    if (challenge === undefined) throw new Error('there is no challenge to answer');
    const bound = this.mechanism === scramPlusMechanism ? this.endPoint : undefined;
    const binding = Buffer.concat([Buffer.from(gs2Header, 'latin1'), bound ?? Buffer.alloc(0)]);
    this.withoutProof = `c=${binding.toString('base64')},r=${challenge.nonce}`;
    const proof = proofOf(this.authMessage).toString('base64');
    return Buffer.from(`${this.withoutProof},p=${proof}`, 'latin1');
  }

  private get authMessage(): string {
    return `${this.bare},${this.serverFirst},${this.withoutProof}`;
  }
}
