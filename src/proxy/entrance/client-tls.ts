import { readFileSync } from 'node:fs';
import { type Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { type ClientTlsConfig } from '../../ops/config/pcache-config';
import { type ProxyLog } from '../proxy-log';

/** What direct TLS must agree on, lest bytes meant for another protocol be taken for this one. */
export const alpnProtocol = 'postgresql';

/**
 * TLS for the clients' side: takes connections over when they are to be encrypted. One TLS server that does not listen
 * does the handshakes, so that a new certificate holds for all that come after, and for none before.
 */
export class ClientTls {
  private readonly server;
  private readonly waiting = new Map<string, (socket: TLSSocket) => void>();

  /** Reads the files; throws what reading or OpenSSL throws. */
  constructor(
    private readonly files: ClientTlsConfig,
    private readonly log: ProxyLog,
  ) {
    const hasCa = files.clientCa !== undefined;
    this.server = createServer({
      ...readContext(files),
      requestCert: hasCa,
      rejectUnauthorized: hasCa,
      ALPNProtocols: [alpnProtocol],
    });
    this.server.on('secureConnection', (socket) => {
      const key = connectionKey(socket);
      const settle = this.waiting.get(key);
      if (settle === undefined) socket.destroy();
      else settle(socket);
    });
    this.server.on('tlsClientError', (error, socket) => {
      // Node.js says why by the code of OpenSSL, whatever its types say; the error is only that the connection was closed then.
      const reason = socket.authorizationError as unknown;
      if (typeof reason === 'string')
        log.info(
          { reason },
          'a client was refused: its certificate is of no authority in listen.tls.client_ca',
        );
      else log.info({ err: error }, 'a TLS handshake with a client failed');
      socket.destroy();
    });
  }

  get isRequired(): boolean {
    return this.files.mode === 'require';
  }

  /**
   * Does the handshake on a connection that nobody reads from any more; bytes of it that were read belong back into it.
   * Rejects when it fails, with the connection closed.
   */
  encrypt(socket: Socket): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      // The server does not say which connection a TLSSocket was made of; while it is open, its two ends do.
      const key = connectionKey(socket);
      const closed = (): void => {
        this.waiting.delete(key);
        reject(new Error('the connection was closed during the TLS handshake'));
      };
      socket.once('close', closed);
      this.waiting.set(key, (secured) => {
        this.waiting.delete(key);
        socket.off('close', closed);
        resolve(secured);
      });
      this.server.emit('connection', socket);
    });
  }

  /** Reads the files again. If they are no good, what was read before stays, and the log says so. */
  reload(): void {
    try {
      const options = readContext(this.files);
      // Throws before the server has taken anything over.
      createSecureContext(options);
      this.server.setSecureContext(options);
      this.log.info({ certificate: this.files.certificate }, 'the certificate was read again');
    } catch (error) {
      this.log.error({ err: error }, 'the new certificate cannot be used; the one before stays');
    }
  }
}

function readContext({ certificate, key, clientCa, minimumVersion }: ClientTlsConfig): SecureContextOptions {
  if (certificate === undefined || key === undefined) throw new Error('TLS takes a certificate and a key');
  return {
    cert: readFileSync(certificate),
    key: readFileSync(key),
    ...(clientCa === undefined ? {} : { ca: readFileSync(clientCa) }),
    minVersion: minimumVersion,
  };
}

function connectionKey({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}
