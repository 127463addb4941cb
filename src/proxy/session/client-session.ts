import { type Socket } from 'node:net';
import { PgError } from '../../errors/pg-error';
import { doneWithChunk } from '../../postgres/plain-socket';
import { type Encryption } from '../../postgres/server-tls';
import { encodePgError } from '../../wire/backend/error-response';
import { FrameReader } from '../../wire/frame-reader';
import { backendTreatments } from '../../wire/frame-treatments';
import { BackendCode } from '../../wire/message-code';
import { type CancelRequest } from '../../wire/startup/cancel-request';
import { type StartupMessage } from '../../wire/startup/startup-message';
import { objectionTo } from '../console/console-door';
import { ByteRelay } from './byte-relay';
import { cancelKey } from '../entrance/client-cancel';
import { takeLeave } from '../entrance/leave-taking';
import { isOutOfFiles } from '../entrance/open-files';
import { type LoginRelay } from '../login/login-relay';
import { makeLogin } from '../login/make-login';
import { Outlet } from './outlet';
import { type ConnectionEnd } from '../proxy-events';
import { scanSession } from './scan-session';
import { type ScannedSession } from '../scan/scanned-session';
import {
  adminShutdown,
  brokenServer,
  idleTimeout,
  internalError,
  loginTimeout,
  outOfFiles,
  serverLost,
  verifierUnavailable,
} from './session-errors';
import { type SessionHost } from './session-host';
import { enterPhase, type SessionPhase } from './session-phase';
import { type SessionStart } from '../entrance/session-start';
import { SessionWatch, type Conversation } from './session-watch';
import { UpstreamLeg } from '../upstream/upstream-leg';

/** A client that sent its StartupMessage, and the connection to the server that is opened for it. Its phases: see SessionPhase. */
export class ClientSession {
  private phase: SessionPhase = 'connecting';
  private early: Buffer;
  private readonly toClient: Outlet;
  private readonly reader: FrameReader;
  private readonly treatments = backendTreatments();
  private readonly loginTimer: NodeJS.Timeout;

  readonly upstream: UpstreamLeg;
  private toUpstream: Outlet | undefined;
  private login: LoginRelay | undefined;
  private relay: ByteRelay | undefined;
  private scan: ScannedSession | undefined;
  private readonly watch: SessionWatch | undefined;
  private key: string | undefined;
  private end: ConnectionEnd = 'client';

  /** What the client got wrong after the login; the server is asked for its own words first. */
  private violation: PgError | undefined;
  private isHeld = false;
  private hasClientEnded = false;
  private hasTerminated = false;
  private isDraining = false;

  constructor(
    private readonly client: Socket,
    private readonly host: SessionHost,
    readonly begin: SessionStart,
    private readonly whenClosed: (end: ConnectionEnd) => void,
  ) {
    this.early = begin.rest;
    this.upstream = new UpstreamLeg(host, {
      sent: (chunk) => {
        this.guard('upstream', () => this.upstreamSent(chunk));
        return this.conversation?.isUpstreamChunkDone === true;
      },
      ended: () => this.upstreamEnded(),
      lost: (error) => this.lost('upstream', error),
      congestionChanged: () => this.updateClientFlow(),
    });
    this.watch = SessionWatch.over(host, begin, {
      conversation: () => this.conversation,
      cancel: () => this.upstream.cancel(),
      cancelingChanged: () => this.updateClientFlow(),
      endIdle: () => this.finish('idleTimeout', idleTimeout()),
    });
    this.reader = new FrameReader(this.treatments, host.limits.maxInspectedBytes, 'backend');
    this.toClient = new Outlet(client, () => this.upstream.pause());
    const loginMs = begin.loginEndsAt - performance.now();
    this.loginTimer = setTimeout(() => this.finish('loginTimeout', loginTimeout()), loginMs);
    client.on('data', (chunk) => {
      host.traffic.bytesFromClients += chunk.length;
      this.guard('client', () => this.clientSent(chunk));
      if (this.conversation?.isClientChunkDone === true) doneWithChunk(client);
    });
    client.on('drain', () => this.upstream.resume());
    client.on('end', () => this.clientEnded());
    client.on('error', (error) => this.lost('client', error));
    client.on('close', () => this.clientClosed());
    this.guard('client', () => this.connect());
  }

  /** Ends the session once it is idle, and its client is not one that has just come. */
  drain(): void {
    this.isDraining = true;
    const { newcomer } = this.begin;
    if (newcomer.isNew) newcomer.whenOld(() => this.drain());
    else if (this.conversation === undefined) this.shutDown();
    else this.shutDownIfDrained();
  }

  /** Ends the session now, interrupting what it runs. */
  shutDown(): void {
    if (this.phase === 'closing' || this.phase === 'closed') return;
    if (this.conversation?.isIdle !== true) void this.upstream.cancel();
    this.finish('drained', adminShutdown());
  }

  /** Cuts both connections. */
  destroy(): void {
    this.client.destroy();
    this.upstream.destroy();
  }

  /** Resolves when a cancel request would reach what the client is waiting for; undefined if it would now. */
  whenCancelable(): Promise<void> | undefined {
    return this.scan?.whenCancelable();
  }

  /** Whether the server is working for the client. Only known of a scanned session. */
  get isBusy(): boolean {
    return this.phase === 'scanning' && this.scan !== undefined && this.scan.tracker.queue.length > 0;
  }

  /** How the connection to the server is; a request to cancel takes the same. */
  get upstreamEncryption(): Encryption {
    return this.upstream.encryption;
  }

  /** How many times the server has said ReadyForQuery, the hidden ones included. */
  get repliesEnded(): number {
    return this.scan?.tracker.readyCount ?? 0;
  }

  /** Whether the proxy itself answers. */
  get isConsole(): boolean {
    return this.begin.console !== undefined;
  }

  get conversation(): Conversation | undefined {
    if (this.phase === 'relaying') return this.relay;
    return this.phase === 'scanning' ? this.scan : undefined;
  }

  private clientSent(chunk: Buffer): void {
    switch (this.phase) {
      case 'connecting':
        this.early = Buffer.concat([this.early, chunk]);
        break;
      case 'authenticating':
        this.login?.clientSent(chunk);
        this.updateClientFlow();
        break;
      case 'relaying':
      case 'scanning':
        this.conversation?.fromClient(chunk);
        break;
      default:
      // Nobody listens any more.
    }
  }

  private connect(): void {
    this.updateClientFlow();
    this.upstream.open().then(
      (toUpstream) => this.guard('upstream', () => this.connected(toUpstream)),
      (error: unknown) => this.unreachable(error),
    );
  }

  private unreachable(error: unknown): void {
    const { refusal } = this.upstream;
    if (isOutOfFiles(error)) {
      this.host.refused('files');
      this.finish('tooManyConnections', outOfFiles());
      return;
    }
    this.host.log.warn({ err: error }, 'the server cannot be reached');
    if (refusal !== undefined) this.toClient.append(refusal);
    this.finish('upstreamUnreachable', refusal === undefined && error instanceof PgError ? error : undefined);
  }

  private connectAgain(): void {
    this.upstream.abandon();
    this.phase = enterPhase(this.phase, 'connecting');
    this.connect();
  }

  private connected(toUpstream: Outlet | undefined): void {
    const { packet, startup } = this.begin;
    if (toUpstream === undefined) return;
    this.toUpstream = toUpstream;
    if (startup === undefined) this.relayUnknown(packet, toUpstream);
    else this.relayLogin(packet, startup, toUpstream);
    this.upstream.resume();
    this.updateClientFlow();
  }

  private relayLogin(packet: Buffer, startup: StartupMessage, toUpstream: Outlet): void {
    if (!this.isConsole) this.scan = this.makeScan(startup, toUpstream);
    this.login = makeLogin(this.host, startup, {
      ...{ client: this.client, toClient: this.toClient, reader: this.reader },
      ...{ upstream: this.upstream, toUpstream },
      observer: {
        keyData: (processId, secretKey) => this.keyReceived({ kind: 'CancelRequest', processId, secretKey }),
        parameterStatus: (frame, start, end) => this.scan?.tracker.parameterStatus(frame, start, end),
      },
      isReadySaidLater: this.isConsole,
      guard: (side, action) => this.guard(side, action),
      verifierUnavailable: () => this.finish('verifierUnavailable', verifierUnavailable()),
    });
    this.phase = enterPhase(this.phase, 'authenticating');
    toUpstream.append(packet);
    toUpstream.flush();
    this.login.clientSent(this.early);
    this.early = Buffer.alloc(0);
  }

  /** What the server has to say to a packet it alone may judge need not even be a message: it is an old protocol's, perhaps. */
  private relayUnknown(packet: Buffer, toUpstream: Outlet): void {
    this.phase = enterPhase(this.phase, 'relaying');
    this.relay = new ByteRelay(this.toClient, toUpstream, false);
    this.relay.fromClient(Buffer.concat([packet, this.early]));
  }

  private makeScan(startup: StartupMessage, toUpstream: Outlet): ScannedSession | undefined {
    return scanSession(this.host, startup, this.reader, this.treatments, {
      toClient: this.toClient,
      toUpstream,
      holdClient: (isHeld) => {
        this.isHeld = isHeld;
        this.updateClientFlow();
      },
      terminated: () => void (this.hasTerminated = true),
      guard: (action) => this.guard('upstream', action),
      cancelUpstream: () => this.upstream.cancel(),
      serverProcessId: () => this.upstream.processId,
      becameIdle: () => this.shutDownIfDrained(),
    });
  }

  private keyReceived(request: CancelRequest): void {
    this.upstream.keyReceived(request);
    if (this.key !== undefined) this.host.forgetKey(this.key, this);
    this.key = cancelKey(request);
    this.host.registerKey(this.key, this);
  }

  private upstreamSent(chunk: Buffer): void {
    switch (this.phase) {
      case 'authenticating':
        if (this.login?.isCommitted === false && this.upstream.isToBeRepeated(chunk)) {
          this.connectAgain();
          break;
        }
        this.reader.feed(chunk);
        if (this.login?.readUpstream() === true) this.loggedIn(this.login);
        else this.updateClientFlow();
        this.toClient.flush();
        break;
      case 'relaying':
        this.relay?.fromUpstream(chunk);
        this.shutDownIfDrained();
        break;
      case 'scanning':
        this.reader.feed(chunk);
        this.scan?.fromUpstream();
        break;
      default:
      // Nobody listens any more.
    }
  }

  private loggedIn(login: LoginRelay): void {
    clearTimeout(this.loginTimer);
    this.login = undefined;
    const early = login.takeEarlyBytes();
    const { console, startup } = this.begin;
    if (console !== undefined && startup !== undefined) {
      const objection = objectionTo(startup, login.sessionUser, console);
      if (objection === undefined) {
        this.phase = enterPhase(this.phase, 'relaying');
        this.relay = new ByteRelay(this.toClient, this.upstream.standInBy(console.open()));
      } else this.finish('notAdmin', objection);
    } else if (this.scan !== undefined) {
      this.phase = enterPhase(this.phase, 'scanning');
      this.scan.fromUpstream();
    } else if (this.toUpstream !== undefined) {
      this.phase = enterPhase(this.phase, 'relaying');
      this.relay = new ByteRelay(this.toClient, this.toUpstream);
      const rest = this.reader.takeRest();
      if (rest.length > 0) this.relay.fromUpstream(rest);
    }
    if (early.length > 0) this.clientSent(early);
    this.updateClientFlow();
  }

  private shutDownIfDrained(): void {
    const isTime = this.isDraining && !this.begin.newcomer.isNew;
    if (isTime && this.conversation?.isIdle === true) this.shutDown();
  }

  /** Reads from the client unless something has to happen first. */
  private updateClientFlow(): void {
    if (this.phase === 'closing' || this.phase === 'closed') return;
    const isStopped =
      this.isHeld ||
      this.watch?.isCanceling === true ||
      this.upstream.isCongested ||
      this.phase === 'connecting' ||
      (this.phase === 'authenticating' && this.login?.hasEarlyBytes === true);
    if (isStopped) this.client.pause();
    else if (this.client.isPaused()) this.client.resume();
    if (this.hasClientEnded && !this.isHeld) this.upstream.end();
  }

  /** The client will send nothing more; what it has asked for is still answered. */
  private clientEnded(): void {
    this.hasClientEnded = true;
    if (this.upstream.socket === undefined) this.finish('client');
    else this.updateClientFlow();
  }

  private clientClosed(): void {
    this.finish('client');
    this.upstream.destroy();
    this.closedIfOver();
  }

  private upstreamEnded(): void {
    const isExpected = this.hasTerminated || this.hasClientEnded || this.relay?.hasTerminated === true;
    // The server's last word was an error: it has told the client itself, or would have but for a hidden message.
    const hasSaidWhy = this.phase !== 'relaying' && this.reader.code === BackendCode.ErrorResponse;
    const isItsOwn = hasSaidWhy || this.relay?.isIdle === false; // Nothing, to what is no message.
    if (this.scan?.unseenError !== undefined) this.toClient.append(this.scan.unseenError);
    const error = isExpected || isItsOwn ? undefined : (this.violation ?? serverLost());
    const end = isExpected ? 'client' : 'upstream';
    this.finish(this.violation === undefined ? end : 'protocolError', error);
    this.closedIfOver();
  }

  private lost(side: 'client' | 'upstream', error: Error): void {
    this.host.log.debug({ err: error, side }, 'connection lost');
  }

  /** The boundary where every error of this session ends up. */
  private guard(side: 'client' | 'upstream', action: () => void): void {
    try {
      action();
      this.watch?.noted();
    } catch (error) {
      if (error instanceof PgError) {
        this.host.events.protocolError(side, error.sqlState);
        // What came before is still answered, and the server has words of its own for what comes now.
        if (side === 'client' && this.phase === 'scanning' && this.scan?.passRestUnread(error) === true) {
          this.violation = error;
          return;
        }
        this.host.log.info({ err: error, side }, 'connection closed after a protocol error');
        this.finish('protocolError', side === 'client' ? error : brokenServer(error));
      } else {
        this.host.log.error({ err: error, side }, 'internal error; the connection is closed');
        this.finish('internalError', internalError());
      }
    }
  }

  /** Says why, if there is something to say and it would not be taken for a part of another message; closes both sides. */
  private finish(end: ConnectionEnd, error?: PgError): void {
    const { phase, client } = this;
    if (phase === 'closing' || phase === 'closed') return;
    const isInsideMessage = this.conversation?.isInsideMessage ?? this.reader.isStreaming;
    this.phase = enterPhase(phase, 'closing');
    this.end = end;
    clearTimeout(this.loginTimer);
    this.watch?.stop();
    this.scan?.close();
    this.login?.close();
    if (error !== undefined && !isInsideMessage) this.toClient.append(encodePgError(error));
    this.toClient.flush();
    takeLeave(client);
    this.upstream.leave(end);
    this.closedIfOver();
  }

  private closedIfOver(): void {
    if (this.phase !== 'closing' || !this.client.destroyed || !this.upstream.isGone) return;
    this.phase = enterPhase(this.phase, 'closed');
    if (this.key !== undefined) this.host.forgetKey(this.key, this);
    this.whenClosed(this.end);
  }
}
