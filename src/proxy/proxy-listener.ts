import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { type Engine } from '../engine/engine';
import { type ClientFacts } from '../ops/console/console-subjects';
import { keepAliveOptions } from '../postgres/keep-alive';
import { PlainSocket } from '../postgres/plain-socket';
import { ClientEntrance } from './entrance/client-entrance';
import { OpenFiles } from './entrance/open-files';
import { type SessionLimit, SessionPlaces } from './entrance/session-places';
import { type ConsoleDoor, isForConsole, placesForConsoles } from './console/console-door';
import { type ClientSession } from './session/client-session';
import { type ClientTls } from './entrance/client-tls';
import { descriptorOf, listen } from '../postgres/listen';
import { type ProxyEvents, type ProxyTraffic } from './proxy-events';
import { defaultLimits, type ProxyLimits } from './proxy-limits';
import { type ProxyLog } from './proxy-log';
import { type SessionHost } from './session/session-host';
import { type ProxyMode } from './scan/session-link';
import { listenOnSocketFile, socketFile, SocketFileError } from './socket-file';
import { type UpstreamAddress } from './upstream/upstream-connection';
import { type VerifierSource } from './login/verifier-source';

export interface ProxyListenerOptions {
  /** Port 0: a free one. */
  readonly listen: {
    readonly host: string;
    readonly port: number;
    /** Where to make a unix socket as well, named after the port. */
    readonly socketDirectory?: string | undefined;
    /** File descriptors that are listened on already, in place of host and port. */
    readonly descriptors?: readonly number[];
    /** Whoever listens there now is about to stop. */
    readonly isSuccessor?: boolean;
  };
  /** Default: no TLS. Stays the caller's, who may reload it. */
  readonly clientTls?: ClientTls | undefined;
  readonly upstream: UpstreamAddress;
  /** With it the proxy verifies SCRAM itself (see ScramVerification); by default it relays it. Stays the caller's. */
  readonly verifiers?: VerifierSource | undefined;
  /** By the name of the database; sessions of others are relayed as they are. The engines stay the caller's. */
  readonly engines: ReadonlyMap<string, Engine>;
  /** Default: there is none. */
  readonly console?: ConsoleDoor | undefined;
  readonly mode: ProxyMode;
  readonly events: ProxyEvents;
  readonly log: ProxyLog;
  readonly limits?: Partial<ProxyLimits>;
  /** How many files the process may have open; by default that is not known. */
  readonly maxOpenFiles?: number | undefined;
}

/** How long a client that was told 57P01 at the deadline may take to go. */
const leaveMs = 2_000;

/** How often the log says at most that no more files can be opened. */
const fileWarningMs = 10_000;

/** The proxy's door: accepts clients, and owns their sessions. */
export class ProxyListener implements AsyncDisposable {
  /** One for each address. */
  private readonly servers: readonly [Server, ...Server[]];
  private readonly socketServer: Server;
  private readonly sessions = new Set<ClientEntrance>();
  private readonly sessionsByKey = new Map<string, ClientSession>();
  private readonly bytes = { bytesFromClients: 0, bytesFromUpstream: 0 };
  private readonly whenEmpty: (() => void)[] = [];
  private host: SessionHost;
  private readonly places: SessionPlaces;
  private isClosing = false;
  private filesWarnedAt = -Infinity;
  private accepted = 0;

  constructor(private readonly options: ProxyListenerOptions) {
    const limits = { ...defaultLimits, ...options.limits };
    const { upstream, clientTls, verifiers, engines, mode, events, log } = options;
    const { console } = options;
    this.places = new SessionPlaces(limits);
    const files = new OpenFiles(options.maxOpenFiles);
    if (!files.suffices(limits.maxSessions)) {
      const fields = { maxOpenFiles: files.limit, maxSessions: limits.maxSessions };
      log.info(fields, 'the process may open too few files for limits.max_sessions: each session takes two');
    }
    this.host = {
      upstream: { ...upstream, keepAliveMs: limits.keepAliveMs },
      clientTls,
      verifiers,
      engines,
      console,
      mode,
      limits,
      events,
      log,
      traffic: this.bytes,
      hasFilesFor: (accepted) => files.hasRoomFor(accepted),
      admit: (startup) => {
        const reserved = isForConsole(console, startup) ? placesForConsoles : 0;
        return this.places.take(startup, this.sessions.size - reserved);
      },
      refused: (limit) => this.refused(limit),
      registerKey: (key, session) => void this.sessionsByKey.set(key, session),
      findByKey: (key) => this.sessionsByKey.get(key),
      forgetKey: (key, session) => {
        if (this.sessionsByKey.get(key) === session) this.sessionsByKey.delete(key);
      },
      closed: (connection) => this.connectionClosed(connection),
    };
    const accept = (socket: Socket): void => this.accept(socket);
    const keepAlive = keepAliveOptions(limits.keepAliveMs);
    const [, ...more] = options.listen.descriptors ?? [];
    const makeServer = (): Server =>
      createServer({ allowHalfOpen: true, noDelay: true, ...keepAlive }, accept);
    this.servers = [makeServer(), ...more.map(makeServer)];
    this.socketServer = createServer({ allowHalfOpen: true }, accept);
  }

  /** The file descriptors it listens on, but for the unix socket, which a successor makes anew. */
  get descriptors(): readonly number[] {
    return this.servers.map(descriptorOf);
  }

  /** Bytes relayed since start. */
  get traffic(): ProxyTraffic {
    return this.bytes;
  }

  /** Connections open at the moment. */
  get sessionCount(): number {
    return this.sessions.size;
  }

  /** The connections there are, in the order in which they came. */
  clients(): readonly ClientFacts[] {
    return [...this.sessions].map(({ facts }) => facts);
  }

  /** Ends a connection with 57P01, whatever it is doing; false if there is none of that id. */
  kill(id: number): boolean {
    const meant = [...this.sessions].find((session) => session.id === id);
    meant?.shutDown();
    return meant !== undefined;
  }

  /** For sessions from now on; those that are open keep what they began with. */
  change(mode: ProxyMode, limits: ProxyLimits): void {
    this.places.change(limits);
    const upstream = { ...this.host.upstream, keepAliveMs: limits.keepAliveMs };
    this.host = { ...this.host, upstream, mode, limits };
  }

  /** Begins to listen; resolves to the first address. Rejects if one cannot be had, or with SocketFileError. */
  async start(): Promise<AddressInfo> {
    const { servers, socketServer, options } = this;
    const { host, port, descriptors = [], socketDirectory, isSuccessor = false } = options.listen;
    const [first, ...more] = servers;
    const address = await listen(
      first,
      descriptors[0] === undefined ? { host, port } : { fd: descriptors[0] },
    );
    for (const [i, server] of more.entries()) await listen(server, { fd: descriptors[i + 1] ?? -1 });
    if (socketDirectory !== undefined) {
      const path = socketFile(socketDirectory, address.port);
      try {
        await listenOnSocketFile(socketServer, path, isSuccessor);
      } catch (error) {
        for (const server of servers) server.close();
        throw new SocketFileError(path, error);
      }
    }
    for (const each of [...servers, socketServer]) {
      each.on('error', (error) => options.log.error({ err: error }, 'the listener failed'));
    }
    return address;
  }

  /**
   * Stops accepting and ends all sessions with 57P01: idle ones at once, others when their statement and transaction are
   * done, at the latest after `deadlineMs`. Resolves when none is left; clients that do not take leave are cut off.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.stopAccepting();
    for (const session of this.sessions) session.drain();
    const timers = [
      setTimeout(() => {
        for (const session of this.sessions) session.shutDown();
      }, deadlineMs),
      setTimeout(() => {
        for (const session of this.sessions) session.destroy();
      }, deadlineMs + leaveMs),
    ];
    await this.empty();
    timers.forEach(clearTimeout);
  }

  /** Stops accepting and cuts all connections. */
  async close(): Promise<void> {
    this.stopAccepting();
    for (const session of this.sessions) session.destroy();
    await this.empty();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private accept(socket: Socket): void {
    this.options.events.connectionOpened();
    this.sessions.add(new ClientEntrance(PlainSocket.adopt(socket), this.host, ++this.accepted));
  }

  private refused(limit: SessionLimit): void {
    const { events, log } = this.options;
    events.sessionRefused(limit);
    const now = performance.now();
    if (limit !== 'files' || now < this.filesWarnedAt + fileWarningMs) return;
    this.filesWarnedAt = now;
    const fields = { maxOpenFiles: this.options.maxOpenFiles, connections: this.sessions.size };
    log.error(fields, 'clients are refused: the process can open no more files, see its limit of open files');
  }

  private stopAccepting(): void {
    if (this.isClosing) return;
    this.isClosing = true;
    for (const server of [...this.servers, this.socketServer]) server.close();
  }

  private empty(): Promise<void> {
    if (this.sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  private connectionClosed(connection: ClientEntrance): void {
    this.sessions.delete(connection);
    if (this.sessions.size === 0) for (const resolve of this.whenEmpty.splice(0)) resolve();
  }
}
