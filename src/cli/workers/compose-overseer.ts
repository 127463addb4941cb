import { Readiness } from '../../ops/admin/readiness';
import { upstreamCheck } from '../../ops/admin/upstream-check';
import { workersCheck } from '../../ops/admin/workers-check';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import { configLines } from '../../ops/console/config-lines';
import type { ConsoleSubjects } from '../../ops/console/console-subjects';
import type { Log } from '../../ops/log/log';
import { Metrics } from '../../ops/metrics/metrics';
import { ClientDoor } from '../../proxy/client-door';
import { type ComposeOptions, isForOne, type RunningProxy } from '../compose';
import { shownTexts } from '../console';
import { listenOptions, openForClients } from '../create-listener';
import { noSockets } from '../handover/inherited-sockets';
import { loadUpstreamTls } from '../load-tls';
import { openAdmin } from '../open-admin';
import { Owned } from '../owned';
import { RunningDatabases } from '../running-databases';
import { Steering } from '../steering';
import { readVersion } from '../version';
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
    const serverTls = loadUpstreamTls(config);
    const lent = { cache: new LentCache(), queues: new LentQueues() };
    const databases = owned.add(new RunningDatabases({ serverTls, metrics, readiness, log, lent }));
    await databases.start(config);
    const installation = new Installation();
    metrics.watchOthers(installation);
    const subjects: ConsoleSubjects = {
      get control() {
        return steering;
      },
      ...{ statements: metrics.statements, version },
      config: () => configLines(steering.config.options, steering.mode.mode),
      databases: () => installation.databases(databases.facts()),
      fragments: (partitionKey) => databases.entries(partitionKey),
      ...shownTexts(config.log.sql),
      clients: () => installation.clients,
      kill: (id) => installation.kill(id),
    };
    const own = log.child({ part: 'workers' });
    const crew = owned.add(
      new Crew({
        config,
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
    const listen = await openForClients(config, () => door.open());
    const steering: Steering = new Steering(
      {
        databases,
        listener: { follow: (after) => crew.follow(after) },
        files: [{ reload: () => crew.refresh() }],
        ...{ followed, log },
      },
      config,
    );
    steered.steering = steering;
    readiness.markRunning();
    return {
      addresses: { listen, admin },
      sockets: { clients: door.descriptors, admin: adminServer.descriptor },
      handOver: (step) => steering.handOver(step),
      release: () => (isForOne(config.cache) ? databases.release() : Promise.resolve()),
      takeBack: () => (isForOne(config.cache) ? databases.start(steering.config) : Promise.resolve()),
      closeAdmin: () => adminServer[Symbol.asyncDispose](),
      drain: (deadlineMs) => {
        readiness.markDraining();
        door.close();
        return crew.drain(deadlineMs);
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
