import type { AddressInfo } from 'node:net';
import type { Engine } from '../engine/engine';
import { StartError } from '../errors/start-error';
import { listenError } from '../ops/admin/listen-error';
import { Readiness } from '../ops/admin/readiness';
import { upstreamCheck } from '../ops/admin/upstream-check';
import type { CacheConfig, LimitsConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { ConsoleSubjects } from '../ops/console/console-subjects';
import { configLines } from '../ops/console/config-lines';
import type { ProxyControl } from '../ops/control/proxy-control';
import type { Log } from '../ops/log/log';
import { Metrics } from '../ops/metrics/metrics';
import type { ServerTls } from '../postgres/server-tls';
import type { ConsoleDoor } from '../proxy/console/console-door';
import type { ClientTls } from '../proxy/entrance/client-tls';
import type { ProxyLimits } from '../proxy/proxy-limits';
import { ProxyListener } from '../proxy/proxy-listener';
import { SocketFileError } from '../proxy/socket-file';
import type { VerifierSource } from '../proxy/login/verifier-source';
import { composeVerifiers } from './compose-verifiers';
import { consoleDoor, shownTexts } from './console';
import { loadListenTls, loadUpstreamTls } from './load-tls';
import { openAdmin } from './open-admin';
import { readOpenFileLimit } from './open-file-limit';
import { type InheritedSockets, noSockets } from './handover/inherited-sockets';
import type { HandedSockets } from './handover/successor';
import { Owned } from './owned';
import type { FollowedConfig } from './reloader';
import { RunningDatabases } from './running-databases';
import { Steering } from './steering';
import { readVersion } from './version';

/** A proxy that accepts connections. Disposing of it ends what is left at once and closes everything. */
export interface RunningProxy extends AsyncDisposable {
  readonly addresses: { readonly listen: AddressInfo; readonly admin: AddressInfo };
  /** What a successor listens on. */
  readonly sockets: HandedSockets;
  /**
   * Runs what starts a successor: meanwhile nothing is reloaded, and nothing else an operator asks for is done. Nor is it afterwards, if it
   * resolves to true: there is a successor then, that does it. Resolves, or rejects, when it has.
   */
  handOver(step: () => Promise<boolean>): Promise<void>;
  /** Within handOver: lets go of what only one process can have, so that a successor can. Statements go as they came then. */
  release(): Promise<void>;
  /** Within handOver: there was no successor after all. Rejects as composeProxy does. */
  takeBack(): Promise<void>;
  /** The successor answers the operator from now on. */
  closeAdmin(): Promise<void>;
  /** Accepts no more clients and resolves when the last has gone, or been sent away at the deadline. */
  drain(deadlineMs: number): Promise<void>;
  readonly control: ProxyControl;
  /** The configuration in force. */
  readonly config: PcacheConfig;
}

export interface ComposeOptions {
  /** What the configuration is read from again; undefined if there is no file to follow. */
  readonly followed?: FollowedConfig | undefined;
  /** Sockets that are listened on already. */
  readonly inherited?: InheritedSockets;
}

/**
 * Puts the parts together by the configuration and starts them, the operator's port first and the clients' last; they are
 * closed the other way round. Rejects with StartError, after closing what was opened.
 */
export async function composeProxy(
  config: PcacheConfig,
  log: Log,
  { followed, inherited = noSockets }: ComposeOptions = {},
): Promise<RunningProxy> {
  const owned = new Owned();
  try {
    const version = readVersion();
    const metrics = new Metrics({ version });
    const readiness = new Readiness({ log });
    readiness.addCheck(upstreamCheck(config.upstream));
    const steered: { steering?: Steering } = {};
    const adminServer = openAdmin(config, {
      ...{ metrics, readiness, version, owned, descriptor: inherited.admin },
      steering: () => steered.steering,
      log: log.child({ part: 'admin' }),
    });
    const admin = await adminServer.start();

    const clientTls = loadListenTls(config, log);
    const serverTls = loadUpstreamTls(config);
    const verifiers = composeVerifiers(config, serverTls, log, owned);
    const databases = owned.add(new RunningDatabases({ serverTls, metrics, readiness, log }));
    await databases.start(config);
    const { engines } = databases;
    const subjects: ConsoleSubjects = {
      get control() {
        return steering;
      },
      statements: metrics.statements,
      version: readVersion(),
      config: () => configLines(steering.config.options, steering.mode.mode),
      databases: () => databases.facts(),
      fragments: (partitionKey) => databases.entries(partitionKey),
      ...shownTexts(config.log.sql),
      clients: () => listener.clients(),
      kill: (id) => listener.kill(id),
    };
    const console = consoleDoor(config.admin, subjects, log);
    const listener = owned.add(
      createListener(config, { clientTls, serverTls, verifiers, engines, inherited, console }, metrics, log),
    );
    const listen = await listener.start().catch((error: unknown) => {
      if (error instanceof SocketFileError) {
        const message = `cannot make a unix socket: ${error.message}. Check listen.socket_directory`;
        throw new StartError(message, { cause: error });
      }
      throw listenError('listen', config.listen, error);
    });
    const steering = new Steering(
      {
        databases,
        listener: {
          follow: ({ mode, limits, databases: all }) => listener.change(mode, proxyLimits(limits, all)),
        },
        files: [clientTls, verifiers].filter((file) => file !== undefined),
        ...{ followed, log },
      },
      config,
    );
    steered.steering = steering;
    metrics.watchTraffic(() => listener.traffic);
    readiness.markRunning();
    return {
      addresses: { listen, admin },
      sockets: { clients: listener.descriptors, admin: adminServer.descriptor },
      handOver: (step) => steering.handOver(step),
      release: () => (isForOne(config.cache) ? databases.release() : Promise.resolve()),
      takeBack: () => (isForOne(config.cache) ? databases.start(steering.config) : Promise.resolve()),
      closeAdmin: () => adminServer[Symbol.asyncDispose](),
      drain: (deadlineMs) => {
        readiness.markDraining();
        return listener.drain(deadlineMs);
      },
      control: steering,
      get config() {
        return steering.config;
      },
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  } catch (error) {
    await owned[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether its cache, and the queue that is journaled in it, is one process's alone. */
function isForOne({ backend }: CacheConfig): boolean {
  return backend.startsWith('rocks');
}

function createListener(
  { listen, upstream, mode, limits, databases }: PcacheConfig,
  parts: {
    readonly clientTls: ClientTls | undefined;
    readonly serverTls: ServerTls | undefined;
    readonly verifiers: VerifierSource | undefined;
    readonly engines: ReadonlyMap<string, Engine>;
    readonly inherited: InheritedSockets;
    readonly console: ConsoleDoor | undefined;
  },
  metrics: Metrics,
  log: Log,
): ProxyListener {
  const { clientTls, serverTls, verifiers, engines, inherited, console } = parts;
  return new ProxyListener({
    listen: { ...listen, descriptors: inherited.clients, isSuccessor: inherited.isFromPredecessor },
    clientTls,
    upstream: { host: upstream.host, port: upstream.port, tls: serverTls },
    verifiers,
    engines,
    console,
    mode,
    events: metrics.proxy,
    log: log.child({ part: 'proxy' }),
    limits: proxyLimits(limits, databases),
    maxOpenFiles: readOpenFileLimit(),
  });
}

function proxyLimits(limits: LimitsConfig, databases: PcacheConfig['databases']): ProxyLimits {
  return {
    maxSessions: limits.maxSessions,
    maxSessionsPerDatabase: limits.maxSessionsPerDatabase,
    maxSessionsOfDatabases: sessionsOfDatabases(databases),
    maxSessionsPerUser: limits.maxSessionsPerUser,
    loginTimeoutMs: limits.loginTimeoutMs,
    connectTimeoutMs: limits.connectTimeoutMs,
    maxInspectedBytes: limits.inspectBytes,
    maxHeldBytes: limits.heldReplyBytes,
    maxMessageBytes: limits.maxMessageBytes,
    queryTimeoutMs: limits.queryTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    keepAliveMs: limits.keepAliveMs,
  };
}

/** For those databases that have a limit of their own. */
function sessionsOfDatabases(databases: PcacheConfig['databases']): ReadonlyMap<string, number> {
  const limits = [...databases].map(([name, { maxSessions }]) => [name, maxSessions] as const);
  return new Map(limits.filter((limit): limit is [string, number] => limit[1] !== undefined));
}
