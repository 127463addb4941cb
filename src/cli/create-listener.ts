import type { AddressInfo } from 'node:net';
import type { Engine } from '../engine/engine';
import { StartError } from '../errors/start-error';
import { listenError } from '../ops/admin/listen-error';
import type { LimitsConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { Metrics } from '../ops/metrics/metrics';
import type { ServerTls } from '../postgres/server-tls';
import type { ListenOptions } from '../proxy/client-door';
import type { ConsoleDoor } from '../proxy/console/console-door';
import type { ClientTls } from '../proxy/entrance/client-tls';
import type { VerifierSource } from '../proxy/login/verifier-source';
import { ProxyListener } from '../proxy/proxy-listener';
import type { ProxyLimits } from '../proxy/proxy-limits';
import type { ProxyPeers } from '../proxy/proxy-peers';
import { SocketFileError } from '../proxy/socket-file';
import type { InheritedSockets } from './handover/inherited-sockets';
import { readOpenFileLimit } from './open-file-limit';

export interface ListenerParts {
  /** undefined: clients are handed to it. */
  readonly listen: ListenOptions | undefined;
  readonly peers?: ProxyPeers | undefined;
  readonly clientTls: ClientTls | undefined;
  readonly serverTls: ServerTls | undefined;
  readonly verifiers: VerifierSource | undefined;
  readonly engines: ReadonlyMap<string, Engine>;
  readonly console: ConsoleDoor | undefined;
}

/** What serves clients, by the configuration. */
export function createListener(
  { upstream, mode, limits, databases }: PcacheConfig,
  { serverTls, ...parts }: ListenerParts,
  metrics: Metrics,
  log: Log,
): ProxyListener {
  return new ProxyListener({
    ...parts,
    upstream: { host: upstream.host, port: upstream.port, tls: serverTls },
    mode,
    events: metrics.proxy,
    log: log.child({ part: 'proxy' }),
    limits: proxyLimits(limits, databases),
    maxOpenFiles: readOpenFileLimit(),
  });
}

/** Where it listens. */
export function listenOptions({ listen }: PcacheConfig, inherited: InheritedSockets): ListenOptions {
  return { ...listen, descriptors: inherited.clients, isSuccessor: inherited.isFromPredecessor };
}

/** Rejects with StartError if the sockets cannot be had. */
export function openForClients(
  { listen }: PcacheConfig,
  open: () => Promise<AddressInfo>,
): Promise<AddressInfo> {
  return open().catch((error: unknown) => {
    if (error instanceof SocketFileError) {
      const message = `cannot make a unix socket: ${error.message}. Check listen.socket_directory`;
      throw new StartError(message, { cause: error });
    }
    throw listenError('listen', listen, error);
  });
}

export function proxyLimits(limits: LimitsConfig, databases: PcacheConfig['databases']): ProxyLimits {
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
