import { protocolViolation } from '../../errors/pg-error';
import { decodeClientFinal } from './client-final-message';
import { bindingType, decodeClientFirst, type ClientFirstMessage } from './client-first-message';
import { malformed } from './scram-attributes';
import { recoverClientKey, serverSignature } from './scram-keys';
import { encodeServerFirst, type ServerFirstMessage } from './server-first-message';

export const scramMechanism = 'SCRAM-SHA-256';
export const scramPlusMechanism = 'SCRAM-SHA-256-PLUS';

/**
 * The server's side of one SCRAM exchange, as PostgreSQL holds it: `choose`, `readFirst`, `challenge`, `readFinal`, in this
 * order. What is wrong with the client's messages is thrown as the PgError PostgreSQL would answer with. Salt and
 * iterations are the caller's, who thereby also decides what to show of a role that does not exist.
 */
export class ScramServer {
  private isPlus = false;
  private first: ClientFirstMessage | undefined;
  private nonce = '';
  private serverFirst = '';
  private withoutProof = '';
  private proof: Buffer | undefined;

  /**
   * @param endPoint the binding data of our own certificate (RFC 5929); undefined: no binding can be had
   * @param ownNonce random, printable, without commas
   */
  constructor(
    private readonly endPoint: Buffer | undefined,
    private readonly ownNonce: string,
  ) {}

  /** In order of preference. */
  get mechanisms(): readonly string[] {
    return this.endPoint === undefined ? [scramMechanism] : [scramPlusMechanism, scramMechanism];
  }

  choose(mechanism: string): void {
    if (!this.mechanisms.includes(mechanism)) {
      throw protocolViolation('client selected an invalid SASL authentication mechanism');
    }
    this.isPlus = mechanism === scramPlusMechanism;
  }

  readFirst(data: Buffer): void {
    const first = decodeClientFirst(readText(data), this.isPlus, this.endPoint !== undefined);
    this.first = first;
    this.nonce = first.nonce + this.ownNonce;
  }

  /** server-first-message. */
  challenge(given: Omit<ServerFirstMessage, 'nonce'>): Buffer {
    this.serverFirst = encodeServerFirst({ ...given, nonce: this.nonce });
    return Buffer.from(this.serverFirst, 'latin1');
  }

  readFinal(data: Buffer): void {
    const { nonce, proof, withoutProof } = decodeClientFinal(readText(data), this.binding, this.isPlus);
    if (nonce !== this.nonce) throw protocolViolation('invalid SCRAM response', 'Nonce does not match.');
    this.proof = proof;
    this.withoutProof = withoutProof;
  }

  /** The client's key, if it has proved to know the one of `storedKey`. The caller wipes it. */
  recoverClientKey(storedKey: Buffer): Buffer | undefined {
    if (this.proof === undefined) return undefined;
    return recoverClientKey(this.proof, storedKey, this.authMessage);
  }

  /** server-final-message: proves to the client that we have the verifier. */
  sign(serverKey: Buffer): Buffer {
    return Buffer.from(`v=${serverSignature(serverKey, this.authMessage).toString('base64')}`, 'latin1');
  }

  private get binding(): string {
    const flag = this.first?.bindingFlag ?? 'n';
    if (flag !== 'p' || this.endPoint === undefined) return Buffer.from(`${flag},,`).toString('base64');
    return Buffer.concat([Buffer.from(`p=${bindingType},,`), this.endPoint]).toString('base64');
  }

  private get authMessage(): string {
    return `${this.first?.bare ?? ''},${this.serverFirst},${this.withoutProof}`;
  }
}

function readText(data: Buffer): string {
  if (data.length === 0) throw malformed('The message is empty.');
  if (data.includes(0)) throw malformed('Message length does not match input length.');
  return data.toString('latin1');
}
