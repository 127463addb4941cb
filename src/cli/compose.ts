import type { AddressInfo } from 'node:net';
import { Readiness } from '../ops/admin/readiness';
import { upstreamCheck } from '../ops/admin/upstream-check';
import type { CacheConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { ConsoleSubjects } from '../ops/console/console-subjects';
import { configLines } from '../ops/console/config-lines';
import type { ProxyControl } from '../ops/control/proxy-control';
import type { Log } from '../ops/log/log';
import { Metrics } from '../ops/metrics/metrics';
import { composeVerifiers } from './compose-verifiers';
import { consoleDoor, shownTexts } from './console';
import { loadListenTls, loadUpstreamTls } from './load-tls';
import { createListener, listenOptions, openForClients, proxyLimits } from './create-listener';
import { openAdmin } from './open-admin';
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
    const parts = { clientTls, serverTls, verifiers, engines, console };
    const listener = owned.add(
      createListener(config, { ...parts, listen: listenOptions(config, inherited) }, metrics, log),
    );
    const listen = await openForClients(config, () => listener.start());
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
export function isForOne({ backend }: CacheConfig): boolean {
  return backend.startsWith('rocks');
}
