import { type Encryption } from '../../postgres/server-tls';
import { encodeCancelRequest, type CancelRequest } from '../../wire/startup/cancel-request';
import { relayCancel } from '../entrance/cancel-relay';
import { type SessionHost } from '../session/session-host';

/** The proxy's own way to interrupt what the server runs for a session. */
export class UpstreamCancel {
  private request: Buffer | undefined;

  constructor(private readonly host: SessionHost) {}

  /** The server has said how this session is canceled. */
  keyReceived(request: CancelRequest): void {
    this.request = encodeCancelRequest(request);
  }

  /**
   * Resolves when the server has sent the signal, or could not be asked; at once if it never gave a key. Never rejects.
   *
   * @param encryption how the connection to be interrupted is
   */
  async send(encryption: Encryption): Promise<void> {
    if (this.request === undefined) return;
    try {
      const { upstream, limits } = this.host;
      await relayCancel(upstream, this.request, limits.connectTimeoutMs, encryption);
    } catch (error) {
      this.host.log.warn({ err: error }, 'the server could not be asked to cancel a statement');
    }
  }
}
