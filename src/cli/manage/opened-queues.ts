import type { DatabaseConfig, PcacheConfig } from '../../ops/config/pcache-config';
import { createLog } from '../../ops/log/create-log';
import { fragments, type OriginalQuery, originalQueries } from '../../population/queue/work-kind';
import type { WorkQueue } from '../../population/queue/work-queue';
import { readDatabaseIdentity } from '../../postgres/catalog/read-database-identity';
import type { Fragment } from '../../query/fragment/fragment';
import { controlPool } from '../control-pool';
import { loadUpstreamTls } from '../load-tls';
import { openQueues } from '../open-queues';
import { Owned } from '../owned';
import { UsageError } from '../usage-error';
import { unknownName } from '../unknown-name';

/** Both tiers of the queue of one database. */
export interface QueuesOfDatabase {
  readonly database: DatabaseConfig;
  readonly queries: WorkQueue<OriginalQuery>;
  readonly fragments: WorkQueue<Fragment>;
}

/** Calls back with the queues of each configured database, one after the other. Throws UsageError where nobody but the proxy sees them. */
export async function forEachQueue(
  written: PcacheConfig,
  only: string | undefined,
  use: (queues: QueuesOfDatabase) => Promise<void>,
): Promise<void> {
  checkIsShared(written);
  // As an observer sees it: `auto` is where the cache is.
  const config = { ...written, population: { ...written.population, runBy: 'observer' as const } };
  const log = createLog(config.log);
  const tls = loadUpstreamTls(config);
  const meant = [...config.databases.values()].filter(({ name }) => only === undefined || name === only);
  if (meant.length === 0)
    throw new UsageError(
      unknownName('database', only ?? '', 'under databases', [...config.databases.keys()]),
    );
  for (const database of meant) {
    await using owned = new Owned();
    const queues = owned.add(openQueues(config, tls, log));
    const pool = owned.add(controlPool(database, tls, { maxConnections: 1 }, log));
    const source = (): Promise<string> => readDatabaseIdentity(pool);
    await use({
      database,
      queries: owned.add(queues.open(originalQueries, source)),
      fragments: owned.add(queues.open(fragments, source)),
    });
  }
}

/** Whether others than the proxy see its queue. */
export function isQueueShared({ cache, queue: { provider } }: PcacheConfig): boolean {
  if (provider === 'postgresql' || provider === 'redis') return true;
  return provider === 'auto' && /^(postgresql|redis)_/.test(cache.backend);
}

function checkIsShared(config: PcacheConfig): void {
  if (isQueueShared(config)) return;
  throw new UsageError('the queue is in the process of the proxy, where nobody else can reach it');
}
