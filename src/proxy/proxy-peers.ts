import { type StartupMessage } from '../wire/startup/startup-message';
import { type NoPlace, type SessionPlace } from './entrance/session-places';

/** What a listener asks of, and tells to, whoever knows of the other processes that serve clients of the same installation. */
export interface ProxyPeers {
  /** As SessionHost.admit, among the sessions of all. */
  admit(
    client: number,
    startup: StartupMessage | undefined,
    isForConsole: boolean,
  ): Promise<SessionPlace | NoPlace>;
  /** Has the process whose session it is for pass on a CancelRequest. Resolves to whether there was one, once that is done. */
  cancel(request: Buffer): Promise<boolean>;
  /** The client with this number has gone. */
  closed(id: number): void;
}
