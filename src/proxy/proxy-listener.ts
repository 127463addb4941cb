import { type AddressInfo, type Socket } from 'node:net';
import { type Engine } from '../engine/engine';
import { type ClientFacts } from '../ops/console/console-subjects';
import { atMostLongest } from '../postgres/deadline';
import { PlainSocket } from '../postgres/plain-socket';
import { cancelHeaderBytes, decodeCancelRequest } from '../wire/startup/cancel-request';
import { cancelKey, relayToSession } from './entrance/client-cancel';
import { ClientEntrance } from './entrance/client-entrance';
import { OpenFiles } from './entrance/open-files';
import { type SessionLimit, SessionPlaces } from './entrance/session-places';
import { type ConsoleDoor, isForConsole, placesForConsoles } from './console/console-door';
import { type ClientSession } from './session/client-session';
import { type ClientTls } from './entrance/client-tls';
import { ClientDoor, type ListenOptions } from './client-door';
import { type ProxyEvents, type ProxyTraffic } from './proxy-events';
import { defaultLimits, type ProxyLimits } from './proxy-limits';
import { type ProxyLog } from './proxy-log';
import { type SessionHost } from './session/session-host';
import { type ProxyMode } from './scan/session-link';
import { type ProxyPeers } from './proxy-peers';
import { type UpstreamAddress } from './upstream/upstream-connection';
import { type VerifierSource } from './login/verifier-source';

export interface ProxyListenerOptions {
  /** undefined: nowhere, clients are handed to `take`. */
  readonly listen: ListenOptions | undefined;
  /** Default: no other process serves clients of this installation. */
  readonly peers?: ProxyPeers | undefined;
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
  private readonly door: ClientDoor | undefined;
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
    const { console, peers } = options;
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
      admit: (client, startup) => {
        const isConsole = isForConsole(console, startup);
        if (peers !== undefined) return peers.admit(client.id, startup, isConsole);
        const reserved = isConsole ? placesForConsoles : 0;
        return this.places.take(startup, this.sessions.size - reserved);
      },
      refused: (limit) => this.refused(limit),
      registerKey: (key, session) => void this.sessionsByKey.set(key, session),
      findByKey: (key) => this.sessionsByKey.get(key),
      forgetKey: (key, session) => {
        if (this.sessionsByKey.get(key) === session) this.sessionsByKey.delete(key);
      },
      cancelElsewhere: (request) => peers?.cancel(request) ?? Promise.resolve(false),
      closed: (connection) => this.connectionClosed(connection),
    };
    if (options.listen !== undefined)
      this.door = new ClientDoor({
        listen: options.listen,
        keepAliveMs: limits.keepAliveMs,
        accept: (socket) => this.take(socket, ++this.accepted),
        failed: (error) => log.error({ err: error }, 'the listener failed'),
      });
  }

  /** The file descriptors it listens on, but for the unix socket, which a successor makes anew. */
  get descriptors(): readonly number[] {
    return this.door?.descriptors ?? [];
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
    if (this.door === undefined) throw new Error('there is nowhere to listen');
    return this.door.open();
  }

  /** Serves a client that was accepted, here or by another process. No number is given twice. */
  take(socket: Socket, id: number): void {
    this.options.events.connectionOpened();
    const entrance = new ClientEntrance(PlainSocket.adopt(socket), this.host, id);
    this.sessions.add(entrance);
    if (this.isClosing) entrance.drain();
  }

  /** Passes on a CancelRequest that came to another process; false if it is for no session here. */
  async cancel(request: Buffer): Promise<boolean> {
    const session = this.sessionsByKey.get(
      cancelKey(decodeCancelRequest(request.subarray(cancelHeaderBytes))),
    );
    if (session === undefined) return false;
    await relayToSession(this.host, session, request);
    return true;
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
      setTimeout(
        () => {
          for (const session of this.sessions) session.destroy();
        },
        atMostLongest(deadlineMs + leaveMs),
      ),
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
    this.door?.close();
  }

  private empty(): Promise<void> {
    if (this.sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  private connectionClosed(connection: ClientEntrance): void {
    this.sessions.delete(connection);
    this.options.peers?.closed(connection.id);
    if (this.sessions.size === 0) for (const resolve of this.whenEmpty.splice(0)) resolve();
  }
}
