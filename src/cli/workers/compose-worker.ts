import { concernsDatabases } from '../../ops/config/config-changes';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import { Readiness } from '../../ops/admin/readiness';
import type { ConsoleSubjects } from '../../ops/console/console-subjects';
import { configLines } from '../../ops/console/config-lines';
import type { LeveledLog } from '../../ops/log/create-log';
import type { Log } from '../../ops/log/log';
import { Metrics } from '../../ops/metrics/metrics';
import type { ProxyPeers } from '../../proxy/proxy-peers';
import { composeVerifiers } from '../compose-verifiers';
import { consoleDoor, shownTexts } from '../console';
import { createListener, proxyLimits } from '../create-listener';
import { loadListenTls, loadUpstreamTls } from '../load-tls';
import { Owned } from '../owned';
import { RunningDatabases } from '../running-databases';
import { Steering } from '../steering';
import { readVersion } from '../version';
import type { Channel } from './channel';
import { commandsOver } from './console-calls';
import { installationCalls } from './installation';
import { unpackConfig } from './packed-config';
import { toOverseer, toWorker } from './worker-messages';

export interface WorkerParts {
  /** To its overseer. Lent. */
  readonly channel: Channel;
  readonly log: Log;
  readonly setLevels: LeveledLog['setLevels'];
}

/** A proxy that is handed its clients. Disposing of it ends what is left at once and closes everything. */
export interface RunningWorker extends AsyncDisposable {
  /** Takes no more clients: the others do. */
  leave(): void;
  /** As ProxyListener. */
  drain(deadlineMs: number): Promise<void>;
  /** The configuration in force. */
  readonly config: PcacheConfig;
}

/** Puts together what serves clients, without what there is once in an installation. Rejects as composeProxy. */
export async function composeWorker(
  config: PcacheConfig,
  { channel, log, setLevels }: WorkerParts,
): Promise<RunningWorker> {
  const owned = new Owned();
  try {
    const metrics = new Metrics({ version: readVersion() });
    const readiness = new Readiness({ log });
    const clientTls = loadListenTls(config, log);
    const serverTls = loadUpstreamTls(config);
    const verifiers = composeVerifiers(config, serverTls, log, owned);
    const databases = owned.add(
      new RunningDatabases({ serverTls, metrics, readiness, log, overseer: channel }),
    );
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
    const console = consoleDoor(config.admin, subjects, log, commandsOver(channel));
    const parts = { clientTls, serverTls, verifiers, engines, console };
    const listener = owned.add(
      createListener(config, { ...parts, listen: undefined, peers: peersOver(channel) }, metrics, log),
    );
    const steering: Steering = new Steering(
      {
        databases,
        listener: {
          follow: ({ mode, limits, databases: all }) => listener.change(mode, proxyLimits(limits, all)),
        },
        files: [clientTls, verifiers].filter((file) => file !== undefined),
        ...{ followed: undefined, log },
      },
      config,
    );
    metrics.watchTraffic(() => listener.traffic);
    let isLeaving = false;
    channel.hear(toWorker.client, (id, socket) => {
      if (socket === undefined) {
        channel.tell(toOverseer.gone, id);
        return;
      }
      if (isLeaving) {
        // Its overseer has it still.
        socket.destroy();
        channel.tell(toOverseer.declined, id);
        return;
      }
      channel.tell(toOverseer.taken, id);
      listener.take(socket, id);
    });
    channel.answer(installationCalls.report, async ({ isThorough }) => ({
      ...(await metrics.report(isThorough)),
      databases: databases.facts().map(({ name, keySetBytes, trouble }) => ({ name, keySetBytes, trouble })),
      clients: isThorough ? listener.clients() : [],
    }));
    channel.answer(installationCalls.kill, async (id) => listener.kill(id));
    channel.answer(toWorker.cancel, (request) => listener.cancel(Buffer.from(request)));
    channel.answer(toWorker.ping, () => Promise.resolve(undefined));
    channel.answer(toWorker.refresh, async () => {
      steering.reloadFiles();
      steering.refreshCatalogs();
    });
    channel.answer(toWorker.follow, async (packed) => {
      const after = unpackConfig(packed);
      await steering.follow(after, changesDatabases(steering.config, after));
      setLevels(after.log);
    });
    return {
      leave: () => {
        isLeaving = true;
        channel.tell(toOverseer.leaving, undefined);
      },
      drain: (deadlineMs) => listener.drain(deadlineMs),
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

/** An operator can set the mode, which then is another one than the options say. */
function changesDatabases(before: PcacheConfig, after: PcacheConfig): boolean {
  return (
    concernsDatabases(before.options, after.options) ||
    before.mode !== after.mode ||
    before.verification?.share !== after.verification?.share
  );
}

/** The other workers of the same overseer. */
function peersOver(channel: Channel): ProxyPeers {
  return {
    admit: async (client, startup, isForConsole) =>
      (await channel.call(toOverseer.admit, { client, startup, isForConsole })) ?? {
        kind: 'place',
        // Its overseer takes it back when the client is gone.
        [Symbol.dispose]: () => undefined,
      },
    cancel: (request) => channel.call(toOverseer.cancel, request),
    closed: (client) => channel.tell(toOverseer.gone, client),
  };
}
