import { type Socket } from 'node:net';
import { encryptionsToTry, type Encryption } from '../../postgres/server-tls';
import { BackendCode } from '../../wire/message-code';
import { openUpstream, type UpstreamAddress } from './upstream-connection';

/**
 * The ways to reach the server for one session. What libpq does with modes `allow` and `prefer`: a server that refuses the
 * client at once is asked again with, or without, encryption. (One that asks for a password first has been told too much
 * to be asked again.)
 */
export class UpstreamDial {
  private encryptions: readonly Encryption[];
  private refused: Buffer | undefined;

  constructor(
    private readonly address: UpstreamAddress,
    private readonly timeoutMs: number,
  ) {
    this.encryptions = encryptionsToTry(address.tls, address.host);
  }

  /** What the server said on the way tried before; the client is to get it if no connection comes of the other way. */
  get refusal(): Buffer | undefined {
    return this.refused;
  }

  /** Opens a connection by the next way. Rejects with PgError 08006. */
  open(): Promise<Socket> {
    const [encryption, ...others] = this.encryptions;
    this.encryptions = others;
    return openUpstream(this.address, this.timeoutMs, encryption);
  }

  /** Whether the first bytes of the server are a refusal, and there is another way. */
  isToBeRepeated(answer: Buffer): boolean {
    if (answer[0] !== BackendCode.ErrorResponse || this.encryptions.length === 0) return false;
    this.refused = answer;
    return true;
  }
}
