import { defaultKeepAliveMs } from '../postgres/keep-alive';
import { maxMessageLength } from '../wire/frame-reader';
import { type SessionCeilings } from './entrance/session-places';

/** How many sessions there may be, one more being refused with 53300, and bounds on what one may cost. */
export interface ProxyLimits extends SessionCeilings {
  /** From accepting a connection to the server's first ReadyForQuery. */
  readonly loginTimeoutMs: number;
  /** For opening a connection to the server. */
  readonly connectTimeoutMs: number;
  /** Larger messages are passed on without being looked at, in pieces. */
  readonly maxInspectedBytes: number;
  /** A larger message ends the session with 54000. */
  readonly maxMessageBytes: number;
  /** A statement the client waits for longer is canceled. 0: none is. */
  readonly queryTimeoutMs: number;
  /** A client that is idle outside a transaction block for longer is sent away with 57P05. 0: none is. */
  readonly idleTimeoutMs: number;
  /** Silence after which TCP asks whether the client is still there; 0: never. */
  readonly keepAliveMs: number;
  /** How much of a reply is held back for a statement that may have to be run again (rule S12). */
  readonly maxHeldBytes: number;
}

export const defaultLimits: ProxyLimits = {
  maxSessions: 10_000,
  maxSessionsPerDatabase: 0,
  maxSessionsOfDatabases: new Map(),
  maxSessionsPerUser: 0,
  loginTimeoutMs: 60_000,
  connectTimeoutMs: 10_000,
  maxInspectedBytes: 1024 * 1024,
  maxHeldBytes: 1024 * 1024,
  maxMessageBytes: maxMessageLength + 1,
  queryTimeoutMs: 0,
  idleTimeoutMs: 0,
  keepAliveMs: defaultKeepAliveMs,
};
