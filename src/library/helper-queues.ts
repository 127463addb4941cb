import { databaseSource } from '../cli/database-source';
import { loadUpstreamTls } from '../cli/load-tls';
import { openQueues } from '../cli/open-queues';
import { Owned } from '../cli/owned';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { fragments, type OriginalQuery, originalQueries } from '../population/queue/work-kind';
import type { WorkQueue } from '../population/queue/work-queue';
import type { ControlPool } from '../postgres/control-pool';
import type { Fragment } from '../query/fragment/fragment';

/** Both tiers of a database's queue: the very ones its proxies and observers have. Opened when they are first used. */
export interface HelperQueues extends AsyncDisposable {
  readonly originalQueries: WorkQueue<OriginalQuery>;
  readonly fragments: WorkQueue<Fragment>;
}

/** @param pool lent, not owned; tells the database from others */
export function openHelperQueues(config: PcacheConfig, pool: ControlPool, log: Log): HelperQueues {
  const owned = new Owned();
  const queues = owned.add(openQueues(config, loadUpstreamTls(config), log));
  const source = databaseSource(pool);
  return {
    originalQueries: owned.add(queues.open(originalQueries, source)),
    fragments: owned.add(queues.open(fragments, source)),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
