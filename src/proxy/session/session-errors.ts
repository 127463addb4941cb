import { type SessionLimit } from '../entrance/session-places';
import { PgError, SqlState, type PgErrorOptions } from '../../errors/pg-error';

/** What a session says when it ends for a reason of the proxy's own. All are FATAL. */
function fatal(sqlState: SqlState, message: string, options: PgErrorOptions = {}): PgError {
  return new PgError(sqlState, message, { severity: 'FATAL', ...options });
}

export const adminShutdown = (): PgError =>
  fatal(SqlState.AdminShutdown, 'terminating connection due to administrator command');

/** In the server's own words, where it has any; the hint says that it is not the server that speaks. */
export function tooManyConnections(limit: SessionLimit, name: string): PgError {
  switch (limit) {
    case 'all':
      return fatal(SqlState.TooManyConnections, 'too many connections to the proxy');
    case 'database':
      return fatal(SqlState.TooManyConnections, `too many connections for database "${name}"`, {
        hint: 'The proxy takes so many at once: limits.max_sessions_per_database, or max_sessions of the database.',
      });
    case 'user':
      return fatal(SqlState.TooManyConnections, `too many connections for role "${name}"`, {
        hint: 'The proxy takes so many at once: limits.max_sessions_per_user.',
      });
    case 'files':
      return outOfFiles();
  }
}

export const outOfFiles = (): PgError =>
  fatal(SqlState.TooManyConnections, 'too many connections to the proxy', {
    hint: 'The proxy may open no more files; its log says more.',
  });

/** In the words of a server whose pg_hba.conf rejects it, but for who it is that rejects. */
export const encryptionRequired = (host: string, user: string, database: string): PgError =>
  fatal(
    SqlState.InvalidAuthorization,
    `pcache rejects connection for host "${host}", user "${user}", database "${database}", no encryption`,
    { hint: 'The proxy takes connections with TLS only: connect with sslmode=require or stronger.' },
  );

export const loginTimeout = (): PgError =>
  fatal(SqlState.QueryCanceled, 'canceling authentication due to timeout');

/** What is wrong is in the log: a stranger need not know. */
export const verifierUnavailable = (): PgError =>
  fatal(SqlState.ConnectionFailure, 'the proxy cannot verify passwords at the moment', {
    hint: 'The log of the proxy says why.',
  });

/** In the server's own words. */
export const idleTimeout = (): PgError =>
  fatal(SqlState.IdleSessionTimeout, 'terminating connection due to idle-session timeout');

export const messageTooLarge = (bytes: number, maxBytes: number): PgError =>
  fatal(SqlState.ProgramLimitExceeded, 'message too large', {
    detail: `The client announced a message of ${bytes} bytes; the proxy takes ${maxBytes}.`,
  });

export const serverLost = (): PgError =>
  fatal(SqlState.ConnectionFailure, 'the server closed the connection unexpectedly');

/** What the server got wrong, the client could not help; but it may want to know. */
export const brokenServer = (error: PgError): PgError =>
  fatal(SqlState.ProtocolViolation, 'the server broke the protocol', { detail: error.message });

export const internalError = (): PgError => fatal(SqlState.InternalError, 'internal error of the proxy');
