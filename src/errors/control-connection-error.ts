/**
 * One of our own connections to PostgreSQL could not be made, was lost, or did not answer in time.
 * Worth trying again later. Never a client's concern: its statement is forwarded as it is (rule S11).
 */
export class ControlConnectionError extends Error {
  override readonly name = 'ControlConnectionError';

  /** `target` is `host:port/database as user`. */
  constructor(
    readonly target: string,
    readonly reason: 'unreachable' | 'lost' | 'timeout',
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(`PostgreSQL at ${target}: ${message}`, options);
  }
}
