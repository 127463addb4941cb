import { workersCheck } from '../../ops/admin/workers-check';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import type { Log } from '../../ops/log/log';
import { ClientDoor } from '../../proxy/client-door';
import { consoleSubjects } from '../console';
import { listenOptions, openForClients } from '../create-listener';
import { noSockets } from '../handover/inherited-sockets';
import { loadUpstreamTls } from '../load-tls';
import { RunningDatabases } from '../running-databases';
import { type ComposeOptions, openProxy, type RunningProxy } from '../running-proxy';
import { Steering } from '../steering';
import { answerCommands } from './console-calls';
import { Crew } from './crew';
import { Installation } from './installation';
import { LentCache } from './lent-cache';
import { LentQueues } from './lent-queues';

/**
 * A proxy whose clients are served by workers. This process accepts them, and does what is done once in an installation: it answers the operator, populates
 * and evicts, and sees to it that there are workers. Rejects as composeProxy.
 */
export async function composeOverseer(
  config: PcacheConfig,
  log: Log,
  { followed, inherited = noSockets }: ComposeOptions = {},
): Promise<RunningProxy> {
  return openProxy(config, log, inherited.admin, async ({ metrics, readiness, owned }) => {
    const serverTls = loadUpstreamTls(config);
    const lent = { cache: new LentCache(), queues: new LentQueues() };
    const databases = owned.add(new RunningDatabases({ serverTls, metrics, readiness, log, lent }));
    const installation = new Installation();
    metrics.watchOthers(installation);
    const steering: Steering = new Steering(
      {
        databases,
        listener: { follow: (after) => crew.follow(after) },
        files: [{ reload: () => crew.refresh() }],
        ...{ followed, settings: inherited.settings, log },
      },
      config,
    );
    await databases.start(steering.config);
    const subjects = consoleSubjects(
      { steering, databases, metrics },
      {
        databases: () => installation.databases(databases.facts()),
        clients: () => installation.clients,
        kill: (id) => installation.kill(id),
      },
    );
    const own = log.child({ part: 'workers' });
    const crew = owned.add(
      new Crew({
        config: steering.config,
        serve: ({ channel }) => {
          lent.cache.lendTo(channel);
          lent.queues.lendTo(channel);
          installation.add(channel);
          answerCommands(channel, subjects, () => metrics.refresh());
        },
        metrics: metrics.workers,
        log: own,
      }),
    );
    await crew.start();
    metrics.workers.watch(() => crew.serving.length);
    readiness.addCheck(workersCheck(config.workers, () => crew.serving.length));
    const door = new ClientDoor({
      listen: listenOptions(config, inherited),
      keepAliveMs: config.limits.keepAliveMs,
      isPaused: true,
      accept: (socket) => crew.accept(socket),
      failed: (error) => log.error({ err: error }, 'the listener failed'),
    });
    owned.add({ [Symbol.asyncDispose]: async () => door.close() });
    const address = await openForClients(config, () => door.open());
    return {
      ...{ address, databases, steering },
      descriptors: door.descriptors,
      drain: (deadlineMs) => {
        door.close();
        return crew.drain(deadlineMs);
      },
    };
  });
}
