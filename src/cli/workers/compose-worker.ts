import { concernsDatabases } from '../../ops/config/config-changes';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import { Readiness } from '../../ops/admin/readiness';
import type { LeveledLog } from '../../ops/log/create-log';
import type { Log } from '../../ops/log/log';
import { Metrics } from '../../ops/metrics/metrics';
import type { ProxyPeers } from '../../proxy/proxy-peers';
import { composeSessions } from '../compose-sessions';
import { Owned } from '../owned';
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
  return Owned.open(async (owned) => {
    const metrics = new Metrics({ version: readVersion() });
    const readiness = new Readiness({ log });
    const sessions = await composeSessions(
      config,
      { metrics, readiness, log, owned },
      {
        installation: { overseer: channel, peers: peersOver(channel), elsewhere: commandsOver(channel) },
      },
    );
    const { databases, listener, steering } = sessions;
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
  });
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
