/** SQLSTATE codes this proxy may put on the wire (PostgreSQL manual, Appendix A). Nothing else is allowed. */
export const SqlState = {
  ProtocolViolation: '08P01',
  ConnectionFailure: '08006',
  FeatureNotSupported: '0A000',
  InvalidParameterValue: '22023',
  ActiveSqlTransaction: '25001',
  InFailedSqlTransaction: '25P02',
  InvalidStatementName: '26000',
  InvalidAuthorization: '28000',
  InvalidCursorName: '34000',
  InsufficientPrivilege: '42501',
  SyntaxError: '42601',
  UndefinedObject: '42704',
  DuplicatePreparedStatement: '42P05',
  TooManyConnections: '53300',
  ProgramLimitExceeded: '54000',
  ObjectNotInPrerequisiteState: '55000',
  QueryCanceled: '57014',
  AdminShutdown: '57P01',
  CannotConnectNow: '57P03',
  IdleSessionTimeout: '57P05',
  ConfigFileError: 'F0000',
  InternalError: 'XX000',
} as const;
export type SqlState = (typeof SqlState)[keyof typeof SqlState];

export interface PgErrorOptions {
  readonly severity?: 'ERROR' | 'FATAL';
  readonly detail?: string;
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error that a client is meant to see. Anything else that escapes becomes XX000 at the session boundary. */
export class PgError extends Error {
  override readonly name = 'PgError';
  readonly severity: 'ERROR' | 'FATAL';

  constructor(
    readonly sqlState: SqlState,
    message: string,
    readonly options: PgErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.severity = options.severity ?? 'ERROR';
  }
}

/** The peer broke the protocol; the connection is of no further use. */
export function protocolViolation(message: string, detail?: string): PgError {
  return new PgError(SqlState.ProtocolViolation, message, {
    severity: 'FATAL',
    ...(detail === undefined ? {} : { detail }),
  });
}
