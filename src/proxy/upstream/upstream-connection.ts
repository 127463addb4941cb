import { type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { PgError, SqlState } from '../../errors/pg-error';
import { openServerSocket, type ServerAddress } from '../../postgres/server-socket';
import { encryptionsToTry, type Encryption } from '../../postgres/server-tls';

/** Where the server is, and how connections to it are encrypted. */
export type UpstreamAddress = ServerAddress;

export function isEncrypted(socket: Socket): boolean {
  return socket instanceof TLSSocket;
}

/**
 * Opens a connection to the server. Resolves to a connected socket, which is the caller's to end; rejects with PgError 08006
 * that names host and port. `encryption`: default is the one the mode tries first. With mode `prefer`, a TLS handshake that
 * fails is followed by a plain connection, as in libpq.
 */
export async function openUpstream(
  address: UpstreamAddress,
  timeoutMs: number,
  encryption: Encryption = encryptionsToTry(address.tls, address.host)[0] ?? 'plain',
): Promise<Socket> {
  try {
    return await openServerSocket(address, encryption, timeoutMs);
  } catch (error) {
    if (encryption === 'tls' && address.tls?.mode === 'prefer')
      return openUpstream(address, timeoutMs, 'plain');
    throw unreachable(address, error);
  }
}

function unreachable({ host, port }: UpstreamAddress, cause: unknown): PgError {
  // A name with several addresses fails with an AggregateError, whose own message is empty.
  const causes = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
  const reasons = causes.map((error) => (error instanceof Error ? error.message : String(error)));
  return new PgError(SqlState.ConnectionFailure, 'could not connect to the server', {
    severity: 'FATAL',
    detail: `Host "${host}", port ${port}: ${reasons.join('; ')}.`,
    hint: 'Is the server running, and does the proxy have the right address of it?',
    cause,
  });
}
