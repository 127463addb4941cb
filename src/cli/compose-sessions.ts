import type { PcacheConfig } from '../ops/config/pcache-config';
import type { RunElsewhere } from '../ops/console/read-commands';
import type { ListenOptions } from '../proxy/client-door';
import type { ProxyListener } from '../proxy/proxy-listener';
import type { ProxyPeers } from '../proxy/proxy-peers';
import { composeVerifiers } from './compose-verifiers';
import { consoleDoor, consoleSubjects } from './console';
import { createListener, proxyLimits } from './create-listener';
import { loadListenTls, loadUpstreamTls } from './load-tls';
import type { OperatorSettings } from './handover/operator-settings';
import type { FollowedConfig } from './reloader';
import { RunningDatabases } from './running-databases';
import type { ProxySurroundings } from './running-proxy';
import { Steering } from './steering';
import type { Channel } from './workers/channel';

/** What is another in a process that listens itself than in a worker. */
export interface SessionsOptions {
  /** undefined: clients are handed to it. */
  readonly listen?: ListenOptions;
  readonly followed?: FollowedConfig | undefined;
  readonly settings?: OperatorSettings | undefined;
  /** Of a worker. */
  readonly installation?: {
    readonly overseer: Channel;
    readonly peers: ProxyPeers;
    readonly elsewhere: RunElsewhere;
  };
}

export interface ComposedSessions {
  readonly databases: RunningDatabases;
  /** Not listening yet. */
  readonly listener: ProxyListener;
  readonly steering: Steering;
}

/** What serves clients within one process, and what it is steered by. Owned by the surroundings. */
export async function composeSessions(
  config: PcacheConfig,
  { metrics, readiness, log, owned }: ProxySurroundings,
  { listen, followed, settings, installation }: SessionsOptions,
): Promise<ComposedSessions> {
  const clientTls = loadListenTls(config, log);
  const serverTls = loadUpstreamTls(config);
  const verifiers = composeVerifiers(config, serverTls, log, owned);
  const { overseer, peers, elsewhere } = installation ?? {};
  const databases = owned.add(new RunningDatabases({ serverTls, metrics, readiness, log, overseer }));
  const steering: Steering = new Steering(
    {
      databases,
      listener: {
        follow: ({ mode, limits, databases: all }) => listener.change(mode, proxyLimits(limits, all)),
      },
      files: [clientTls, verifiers].filter((file) => file !== undefined),
      ...{ followed, settings, log },
    },
    config,
  );
  await databases.start(steering.config);
  const subjects = consoleSubjects(
    { steering, databases, metrics },
    { clients: () => listener.clients(), kill: (id) => listener.kill(id) },
  );
  const console = consoleDoor(config.admin, subjects, log, elsewhere);
  const parts = { clientTls, serverTls, verifiers, engines: databases.engines, console };
  const listener = owned.add(createListener(steering.config, { ...parts, listen, peers }, metrics, log));
  metrics.watchTraffic(() => listener.traffic);
  return { databases, listener, steering };
}
