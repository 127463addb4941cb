import { type Socket } from 'node:net';
import { type Outlet } from '../session/outlet';
import { type ProxyLog } from '../proxy-log';
import { type VerifierSource } from './verifier-source';

/** What verifying a client takes of the session it logs in to. */
export interface VerificationLink {
  /** As the StartupMessage has it. */
  readonly user: string;
  readonly verifiers: VerifierSource;
  readonly log: ProxyLog;
  /** To bind to the certificates: the one shown on the first, the one seen on the second. */
  readonly client: Socket;
  readonly upstream: Socket | undefined;
  readonly toClient: Outlet;
  readonly toUpstream: Outlet;
  /** Runs what concerns the peer: an exception ends the session, not the process. */
  guard(side: 'client' | 'upstream', action: () => void): void;
  /** The verifier cannot be had. */
  unavailable(error: unknown): void;
}
