import { type Engine } from '../../engine/engine';
import { type ClientEntrance } from '../entrance/client-entrance';
import { type ClientSession } from './client-session';
import { type ClientTls } from '../entrance/client-tls';
import { type ProxyEvents } from '../proxy-events';
import { type ProxyLimits } from '../proxy-limits';
import { type ProxyLog } from '../proxy-log';
import { type ProxyMode } from '../scan/session-link';
import { type UpstreamAddress } from '../upstream/upstream-connection';
import { type VerifierSource } from '../login/verifier-source';

/** What a session needs of the listener it belongs to. */
export interface SessionHost {
  readonly upstream: UpstreamAddress;
  /** undefined: no TLS for clients. */
  readonly clientTls: ClientTls | undefined;
  /** undefined: the server alone verifies who logs in. */
  readonly verifiers: VerifierSource | undefined;
  readonly engines: ReadonlyMap<string, Engine>;
  readonly mode: ProxyMode;
  readonly limits: ProxyLimits;
  readonly events: ProxyEvents;
  readonly log: ProxyLog;
  readonly traffic: { bytesFromClients: number; bytesFromUpstream: number };
  /** Whether the connections there are, the asking one among them, are few enough. */
  hasRoom(): boolean;
  /** The session can be found by the key a CancelRequest for it has to carry. */
  registerKey(key: string, session: ClientSession): void;
  findByKey(key: string): ClientSession | undefined;
  forgetKey(key: string, session: ClientSession): void;
  /** Both connections, the client's and the server's, are gone. */
  closed(connection: ClientEntrance): void;
}
