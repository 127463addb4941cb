import { type Socket } from 'node:net';
import { type FrameReader } from '../../wire/frame-reader';
import { type StartupMessage } from '../../wire/startup/startup-message';
import { ChannelBinding } from './channel-binding';
import { LoginRelay, type LoginObserver } from './login-relay';
import { type Outlet } from '../session/outlet';
import { ScramVerification } from './scram-verification';
import { type SessionHost } from '../session/session-host';
import { isEncrypted } from '../upstream/upstream-connection';
import { type UpstreamLeg } from '../upstream/upstream-leg';

/** What logging in takes of a session. */
export interface LoginSession {
  readonly client: Socket;
  readonly upstream: UpstreamLeg;
  readonly toClient: Outlet;
  readonly toUpstream: Outlet;
  /** Of what the server sends. */
  readonly reader: FrameReader;
  readonly observer: LoginObserver;
  /** Whether ReadyForQuery is not passed on: somebody else is to say it. */
  readonly isReadySaidLater: boolean;
  guard(side: 'client' | 'upstream', action: () => void): void;
  /** The proxy is to verify the client and cannot; the log has been told. */
  verifierUnavailable(): void;
}

/** Makes what passes a log-in on and, if the configuration says so, verifies it. */
export function makeLogin(host: SessionHost, startup: StartupMessage, session: LoginSession): LoginRelay {
  const { client, upstream, toClient, toUpstream, reader, observer, isReadySaidLater } = session;
  const channelBinding = new ChannelBinding(isEncrypted(client), upstream.encryption === 'tls');
  const verification = makeVerification(host, startup, session);
  return new LoginRelay(
    toClient,
    toUpstream,
    reader,
    observer,
    channelBinding,
    verification,
    isReadySaidLater,
  );
}

function makeVerification(
  { verifiers, log }: SessionHost,
  startup: StartupMessage,
  session: LoginSession,
): ScramVerification | undefined {
  if (verifiers === undefined) return undefined;
  const { client, upstream, toClient, toUpstream } = session;
  return new ScramVerification({
    user: startup.parameters.get('user') ?? '',
    verifiers,
    log,
    client,
    upstream: upstream.socket,
    toClient,
    toUpstream,
    guard: (side, action) => session.guard(side, action),
    unavailable: (error) => {
      log.error({ err: error }, 'a client cannot be verified');
      session.verifierUnavailable();
    },
  });
}
