import type { BlockOutcome } from '../engine/block-outcomes';
import type { Plan } from '../engine/engine';
import type { Method } from '../query/rewrite/method';
import type { SessionLimit } from './entrance/session-places';

/** Why a client's connection ended. A closed set, fit for a metric's label. */
export type ConnectionEnd =
  /** The client said Terminate, or closed its side. */
  | 'client'
  /** The server closed its side, or was lost. */
  | 'upstream'
  | 'upstreamUnreachable'
  | 'protocolError'
  /** The proxy is to verify the client, and could not ask by what. */
  | 'verifierUnavailable'
  | 'loginTimeout'
  | 'tooManyConnections'
  | 'drained'
  | 'idleTimeout'
  | 'cancelRequest'
  /** The console is not for this user. */
  | 'notAdmin'
  /** A bug of ours; the log has the stack. */
  | 'internalError';

/** How one execution of a candidate statement went. */
export interface StatementFinished {
  readonly database: string;
  readonly protocol: 'simple' | 'extended';
  /** What was sent: the client's text, or the engine's. `needsContext` never gets here. */
  readonly plan: Exclude<Plan['kind'], 'needsContext'>;
  /** The engine's or the session's reason for forwarding, from a closed set; undefined for a rewrite. */
  readonly reason: string | undefined;
  /** fellBack: the rewritten form was given up, unseen, and the original was run (rule S12). */
  readonly outcome: 'complete' | 'failed' | 'fellBack';
  /** Present for a rewrite: partial if something it could be restricted by is not known yet. */
  readonly coverage?: 'full' | 'partial';
  /** How the restricted form is restricted. */
  readonly method?: Method;
  /** Whether it was a text that was sent as a hidden statement, planned once for several executions. */
  readonly isKeptText: boolean;
  /** Share of all keys that its most selective restriction lets through; undefined for a forward, or if their number is not known. */
  readonly keysKeptShare?: number | undefined;
  /** From sending the statement to its CommandComplete, in milliseconds. */
  readonly elapsedMs: number;
  /** What became of each block; undefined if the statement was not looked into. */
  readonly blocks: readonly BlockOutcome[] | undefined;
}

/**
 * What the proxy tells about itself, for metrics. Called synchronously on the data path: an implementation only counts,
 * and does not throw. `statementPassed` is called once for each statement that is not a candidate and has to be cheap.
 */
export interface ProxyEvents {
  connectionOpened(): void;
  /** Called exactly once for each connectionOpened. */
  connectionClosed(end: ConnectionEnd): void;
  /** A session was refused with 53300, by this limit. */
  sessionRefused(limit: SessionLimit): void;
  statementFinished(event: StatementFinished): void;
  /** A statement of a scanned session that the engine has no interest in was forwarded. */
  statementPassed(database: string): void;
  /** The server was asked for a session's context in a hidden exchange. */
  contextAsked(outcome: 'answered' | 'failed'): void;
  /**
   * Temporary tables were asked for, for one statement. refused: the server did not make them, and the statement went as it came.
   * unfit: none can be made for the statement as it is run, so that it is restricted inline.
   */
  keyTables(outcome: 'made' | 'refused' | 'unfit'): void;
  /** A statement ran into the limit and is canceled. */
  queryTimedOut(): void;
  cancelRelayed(outcome: 'relayed' | 'failed'): void;
  /** `side` is the peer that broke the protocol. */
  protocolError(side: 'client' | 'upstream', sqlState: string): void;
  /** The engine threw: the original bytes were forwarded. */
  engineFailed(operation: 'inspect' | 'plan' | 'completed' | 'readContext' | 'catalogChanged'): void;
  /** Replies no longer matched what was asked: the session goes on unscanned, its bytes merely relayed. */
  scanningGivenUp(): void;
}

/** Bytes relayed since start, both directions of all sessions. Read at scrape time from `ProxyListener.traffic`. */
export interface ProxyTraffic {
  readonly bytesFromClients: number;
  readonly bytesFromUpstream: number;
}
