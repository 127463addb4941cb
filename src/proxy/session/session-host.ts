import { type Socket } from 'node:net';
import { type Engine } from '../../engine/engine';
import { type ClientEntrance } from '../entrance/client-entrance';
import { type ConsoleDoor } from '../console/console-door';
import { type ClientSession } from './client-session';
import { type ClientTls } from '../entrance/client-tls';
import { type NoPlace, type SessionLimit, type SessionPlace } from '../entrance/session-places';
import { type ProxyEvents } from '../proxy-events';
import { type ProxyLimits } from '../proxy-limits';
import { type ProxyLog } from '../proxy-log';
import { type ProxyMode } from '../scan/session-link';
import { type StartupMessage } from '../../wire/startup/startup-message';
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
  /** undefined: there is no console. */
  readonly console: ConsoleDoor | undefined;
  readonly mode: ProxyMode;
  readonly limits: ProxyLimits;
  readonly events: ProxyEvents;
  readonly log: ProxyLog;
  readonly traffic: { bytesFromClients: number; bytesFromUpstream: number };
  /** Whether a client that was just accepted leaves files enough for a session. */
  hasFilesFor(accepted: Socket): boolean;
  /** A place for a session, or the limit that leaves none. `startup` is undefined for a packet only the server can judge. */
  admit(
    client: ClientEntrance,
    startup: StartupMessage | undefined,
  ): SessionPlace | NoPlace | Promise<SessionPlace | NoPlace>;
  /** A session was turned away by a limit: it is counted, and that no more files can be opened is logged. */
  refused(limit: SessionLimit): void;
  /** The session can be found by the key a CancelRequest for it has to carry. */
  registerKey(key: string, session: ClientSession): void;
  findByKey(key: string): ClientSession | undefined;
  forgetKey(key: string, session: ClientSession): void;
  /** As ProxyPeers.cancel; false if there are none. */
  cancelElsewhere(request: Buffer): Promise<boolean>;
  /** Both connections, the client's and the server's, are gone. */
  closed(connection: ClientEntrance): void;
}
