import { type Engine } from '../engine/engine';
import { type ClientSession } from './client-session';
import { type ProxyEvents } from './proxy-events';
import { type ProxyLimits } from './proxy-limits';
import { type ProxyLog } from './proxy-log';
import { type ProxyMode } from './session-link';
import { type UpstreamAddress } from './upstream-connection';

/** What a session needs of the listener it belongs to. */
export interface SessionHost {
  readonly upstream: UpstreamAddress;
  readonly engines: ReadonlyMap<string, Engine>;
  readonly mode: ProxyMode;
  readonly limits: ProxyLimits;
  readonly events: ProxyEvents;
  readonly log: ProxyLog;
  readonly traffic: { bytesFromClients: number; bytesFromUpstream: number };
  /** Whether one more session is allowed. */
  hasRoom(): boolean;
  /** The session can be found by the key a CancelRequest for it has to carry. */
  registerKey(key: string, session: ClientSession): void;
  findByKey(key: string): ClientSession | undefined;
  closed(session: ClientSession, key: string | undefined): void;
}
