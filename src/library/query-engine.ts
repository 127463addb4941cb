import type { CacheBackend } from '../cache/cache-backend';
import { controlPool } from '../cli/control-pool';
import { loadUpstreamTls } from '../cli/load-tls';
import { Owned } from '../cli/owned';
import { CatalogKeeper } from '../engine/catalog-keeper';
import { DatabaseEngine } from '../engine/database-engine';
import { unheard } from '../engine/engine-events';
import { ShapeChecker } from '../engine/shape-checker';
import { StartError } from '../errors/start-error';
import type { DatabaseConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { retryAt } from '../population/retry-policy';
import { readLowestKey } from '../postgres/catalog/read-lowest-key';
import type { ControlPool } from '../postgres/control-pool';
import { sqlFile } from '../postgres/sql-files';
import type { Catalog } from '../query/catalog/catalog';

const sessionContext = sqlFile('session-context');

/** What looks at queries of one database: the proxy's engine, and what it takes. */
export interface QueryEngine extends AsyncDisposable {
  readonly engine: DatabaseEngine;
  readonly pool: ControlPool;
  readonly keeper: CatalogKeeper;
  readonly shapes: ShapeChecker;
  readonly database: DatabaseConfig;
  /** Rejects with StartError while it cannot be read. */
  readonly catalog: () => Promise<Catalog>;
}

/**
 * Opens it: the catalog is read, and what is known of the cache. Nothing is learned by it, and nothing measured. Rejects with StartError
 * or a control error.
 *
 * @param backend lent, not owned
 */
export async function openQueryEngine(
  database: DatabaseConfig,
  config: PcacheConfig,
  backend: CacheBackend,
  log: Log,
): Promise<QueryEngine> {
  return Owned.open(async (owned) => {
    const pool = owned.add(controlPool(database, loadUpstreamTls(config), { maxConnections: 3 }, log));
    const partitionKeys = [...database.partitionKeys.values()];
    const isTracked = partitionKeys.some(({ changeLog }) => changeLog !== undefined);
    const keeper = new CatalogKeeper(pool, partitionKeys, log, isTracked ? config.freshness : undefined);
    const shapes = new ShapeChecker(pool);
    const engine = owned.add(
      await DatabaseEngine.open({
        ...{ mode: 'on', partitionKeys, backend, catalog: keeper, shapes, retryAt, log },
        lowestKey: (key) => readLowestKey(pool, key),
        contextQuery: sessionContext.text,
        minQueryMs: Infinity,
        fetchMs: config.cache.deadlineMs,
        memoryBytes: config.limits.memoryBytes,
        learn: () => undefined,
        events: unheard,
      }),
    );
    const catalog = async (): Promise<Catalog> => {
      await keeper.settled();
      if (keeper.current !== undefined) return keeper.current;
      throw new StartError(`the catalog of ${pool.target} cannot be read`);
    };
    await Promise.all([catalog(), engine.loaded]);
    return {
      ...{ engine, pool, keeper, shapes, database, catalog },
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  });
}
