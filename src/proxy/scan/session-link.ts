import { type Engine } from '../../engine/engine';
import { type Outlet } from '../session/outlet';
import { type ProxyEvents } from '../proxy-events';
import { type ProxyLimits } from '../proxy-limits';
import { type ProxyLog } from '../proxy-log';

/** off: relay only. observe: learn and report, change nothing a client sent. */
export type ProxyMode = 'on' | 'observe' | 'off';

/** What a scanned session can do with the connections it lies between. */
export interface SessionLink {
  readonly database: string;
  readonly engine: Engine;
  readonly mode: ProxyMode;
  readonly limits: ProxyLimits;
  readonly events: ProxyEvents;
  readonly log: ProxyLog;
  readonly toClient: Outlet;
  readonly toUpstream: Outlet;
  /** Whether to read from the client. */
  holdClient(isHeld: boolean): void;
  /** The client said Terminate; it has been added to `toUpstream`. */
  terminated(): void;
  /** Runs what comes from a promise: an exception ends the session, not the process. */
  guard(action: () => void): void;
  /** Interrupts what the server runs for this session. Resolves, never rejects, when that connection is closed. */
  cancelUpstream(): Promise<void>;
  /** The process that serves the session, as the server announced it; undefined if it did not. */
  serverProcessId(): number | undefined;
  /** ReadyForQuery was passed on, and nothing is owed: a session that is drained may end here. */
  becameIdle(): void;
}
