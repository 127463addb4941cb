import { connect, type Socket } from 'node:net';
import { PgError, SqlState } from '../errors/pg-error';

/** Where the server is. */
export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens a connection to the server. Resolves to a connected socket, which is the caller's to end; rejects with PgError 08006
 * that names host and port. (TLS to the server is negotiated here, once it is.)
 */
export function openUpstream(address: UpstreamAddress, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, noDelay: true, keepAlive: true, allowHalfOpen: true });
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(unreachable(address, error));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

function unreachable({ host, port }: UpstreamAddress, cause: Error): PgError {
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
