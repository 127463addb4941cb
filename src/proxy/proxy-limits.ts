/** Bounds on what one session may cost. */
export interface ProxyLimits {
  /** Sessions at once; one more is refused with 53300. */
  readonly maxSessions: number;
  /** From accepting a connection to the server's first ReadyForQuery. */
  readonly loginTimeoutMs: number;
  /** For opening a connection to the server. */
  readonly connectTimeoutMs: number;
  /** Larger messages are passed on without being looked at, in pieces. */
  readonly maxInspectedBytes: number;
  /** How much of a reply is held back for a statement that may have to be run again (rule S12). */
  readonly maxHeldBytes: number;
}

export const defaultLimits: ProxyLimits = {
  maxSessions: 10_000,
  loginTimeoutMs: 60_000,
  connectTimeoutMs: 10_000,
  maxInspectedBytes: 1024 * 1024,
  maxHeldBytes: 1024 * 1024,
};
