import { isForOneProcess } from '../../cache/cache-types';
import { AdminServer } from '../../ops/admin/admin-server';
import { cacheCheck } from '../../ops/admin/cache-check';
import { engineCheck } from '../../ops/admin/engine-check';
import { Readiness } from '../../ops/admin/readiness';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import type { Log } from '../../ops/log/log';
import { Metrics } from '../../ops/metrics/metrics';
import type { FinishedRun } from '../../population/population-events';
import type { QueueLengths } from '../../population/queue/work-queue';
import { loadParser } from '../../query/ast/parser';
import { composeDatabase, type ComposedDatabase, type PopulationWork } from '../compose-database';
import { loadUpstreamTls } from '../load-tls';
import { openGuardedCache } from '../open-guarded-cache';
import { openQueues } from '../open-queues';
import { Owned } from '../owned';
import { startEvictor } from '../start-evictor';
import { UsageError } from '../usage-error';
import { readVersion } from '../version';

export interface ObserverChoices extends Pick<PopulationWork, 'isForced' | 'isForNewKeys' | 'maxPending'> {
  /** Of /metrics; undefined: there is none. */
  readonly adminPort: number | undefined;
  readonly onFinished: (database: string, run: FinishedRun) => void;
}

/** An observer at work. Disposing of it gives back what is running, and closes everything. */
export interface RunningObserver extends AsyncDisposable {
  /** What there is to do, of both tiers and all databases. Rejects if a queue cannot be reached. */
  lengths(): Promise<{ readonly queries: QueueLengths; readonly fragments: QueueLengths }>;
}

/** Starts the population of all databases of a configuration. Rejects with UsageError, or StartError, after closing what was opened. */
export async function composeObserver(
  config: PcacheConfig,
  { adminPort, onFinished, ...choices }: ObserverChoices,
  log: Log,
): Promise<RunningObserver> {
  checkIsShared(config);
  return Owned.open(async (owned) => {
    const metrics = new Metrics({ version: readVersion() });
    const readiness = new Readiness({ log });
    if (adminPort !== undefined) {
      const listen = { host: config.admin.host, port: adminPort };
      const server = owned.add(new AdminServer({ listen, access: config.admin, metrics, readiness, log }));
      const admin = await server.start();
      log.info({ admin }, 'metrics can be read');
    }
    const serverTls = loadUpstreamTls(config);
    await loadParser();
    const backend = owned.add(await openGuardedCache(config.cache, serverTls, metrics.cache, log));
    readiness.addCheck(cacheCheck(() => backend.trouble));
    owned.add(startEvictor(config, 'observer', backend, metrics.cache, log));
    const queues = owned.add(openQueues(config, serverTls, log));
    const databases: ComposedDatabase[] = [];
    for (const [name, database] of config.databases) {
      const own = log.child({ database: name });
      const composed = await composeDatabase(database, config, serverTls, backend, metrics, own, {
        ...choices,
        queues,
        isSplitting: true,
        isRunning: config.population.runBy !== 'database',
        onFinished: (run) => onFinished(name, run),
      });
      databases.push(owned.add(composed));
      readiness.addCheck(engineCheck(name, composed.engine));
    }
    readiness.markRunning();
    return {
      lengths: async () => ({
        queries: sum(await Promise.all(databases.map(({ queries }) => queries.lengths()))),
        fragments: sum(await Promise.all(databases.map(({ fragments }) => fragments.lengths()))),
      }),
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  });
}

function checkIsShared({ cache, queue, databases }: PcacheConfig): void {
  if ([...databases.values()].some(({ partitionKeys }) => partitionKeys.size === 0))
    throw new UsageError(
      'the cache has registered no partition key yet: say --partition-key, or give --config FILE',
    );
  if (databases.size === 0) throw new UsageError('an observer takes at least one database under databases');
  if (isForOneProcess(cache.backend))
    throw new UsageError(
      `an observer takes a cache that several processes can use: cache.backend is ${cache.backend}, which belongs to one proxy`,
    );
  if (queue.provider === 'in_process')
    throw new UsageError('an observer takes a queue it can see: queue.provider is in_process');
}

function sum(all: readonly QueueLengths[]): QueueLengths {
  const total = (name: 'waiting' | 'delayed' | 'running' | 'dead'): number =>
    all.reduce((count, each) => count + each[name], 0);
  return {
    waiting: total('waiting'),
    delayed: total('delayed'),
    running: total('running'),
    dead: total('dead'),
  };
}
