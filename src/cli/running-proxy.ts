import type { AddressInfo } from 'node:net';
import { Readiness } from '../ops/admin/readiness';
import { upstreamCheck } from '../ops/admin/upstream-check';
import type { CacheConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { ProxyControl } from '../ops/control/proxy-control';
import type { Log } from '../ops/log/log';
import { Metrics } from '../ops/metrics/metrics';
import type { InheritedSockets } from './handover/inherited-sockets';
import type { OperatorSettings } from './handover/operator-settings';
import type { HandedSockets } from './handover/successor';
import { openAdmin } from './open-admin';
import { Owned } from './owned';
import type { FollowedConfig } from './reloader';
import type { RunningDatabases } from './running-databases';
import type { Steering } from './steering';
import { readVersion } from './version';

/** A proxy that accepts connections. Disposing of it ends what is left at once and closes everything. */
export interface RunningProxy extends AsyncDisposable {
  readonly addresses: { readonly listen: AddressInfo; readonly admin: AddressInfo };
  /** What a successor listens on. */
  readonly sockets: HandedSockets;
  /** What it goes on with. */
  readonly settings: OperatorSettings;
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

/** What the parts that serve clients report to, and are closed with. */
export interface ProxySurroundings {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly log: Log;
  readonly owned: Owned;
}

/** What serves clients, and is listening. All owned by the surroundings. */
export interface ServingParts {
  /** Where clients connect. */
  readonly address: AddressInfo;
  readonly descriptors: readonly number[];
  readonly databases: RunningDatabases;
  readonly steering: Steering;
  /** As RunningProxy. */
  readonly drain: (deadlineMs: number) => Promise<void>;
}

/** Opens the operator's port, then what serves clients. Rejects as `serve` and with StartError, after closing what was opened. */
export async function openProxy(
  config: PcacheConfig,
  log: Log,
  descriptor: InheritedSockets['admin'],
  serve: (surroundings: ProxySurroundings) => Promise<ServingParts>,
): Promise<RunningProxy> {
  return Owned.open(async (owned) => {
    const version = readVersion();
    const metrics = new Metrics({ version });
    const readiness = new Readiness({ log });
    readiness.addCheck(upstreamCheck(config.upstream));
    const opened: { steering?: Steering } = {};
    const adminServer = openAdmin(config, {
      ...{ metrics, readiness, version, owned, descriptor },
      steering: () => opened.steering,
      log: log.child({ part: 'admin' }),
    });
    const admin = await adminServer.start();
    const { address, descriptors, databases, steering, drain } = await serve({
      metrics,
      readiness,
      log,
      owned,
    });
    opened.steering = steering;
    readiness.markRunning();
    return {
      addresses: { listen: address, admin },
      sockets: { clients: descriptors, admin: adminServer.descriptor },
      get settings() {
        return steering.settings;
      },
      handOver: (step) => steering.handOver(step),
      release: () => (isForOne(config.cache) ? databases.release() : Promise.resolve()),
      takeBack: () => (isForOne(config.cache) ? databases.start(steering.config) : Promise.resolve()),
      closeAdmin: () => adminServer[Symbol.asyncDispose](),
      drain: (deadlineMs) => {
        readiness.markDraining();
        return drain(deadlineMs);
      },
      control: steering,
      get config() {
        return steering.config;
      },
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  });
}

/** Whether its cache, and the queue that is journaled in it, is one process's alone. */
function isForOne({ backend }: CacheConfig): boolean {
  return backend.startsWith('rocks');
}
