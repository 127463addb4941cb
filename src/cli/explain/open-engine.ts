import type { CacheBackend } from '../../cache/cache-backend';
import { DatabaseEngine } from '../../engine/database-engine';
import { unheard } from '../../engine/engine-events';
import type { PlanRequest } from '../../engine/engine';
import { ShapeChecker } from '../../engine/shape-checker';
import { readContextWith } from '../../engine/split-query';
import type { DatabaseConfig, PcacheConfig } from '../../ops/config/pcache-config';
import type { Log } from '../../ops/log/log';
import { retryAt } from '../../population/retry-policy';
import { readLowestKey } from '../../postgres/catalog/read-lowest-key';
import type { ServerTls } from '../../postgres/server-tls';
import { sqlFile } from '../../postgres/sql-files';
import { type OpenCatalog, openCatalog } from '../open-catalog';
import { openCacheBackend } from '../open-cache-backend';
import type { Owned } from '../owned';

/** An engine as a proxy has it, for a command to ask; nothing is learned by it. */
export interface OpenEngine extends OpenCatalog {
  readonly engine: DatabaseEngine;
  readonly backend: CacheBackend;
  /** A statement as a session with these settings would send it, by itself and outside of a transaction block. */
  readonly request: (text: string, settings: Readonly<Record<string, string>>) => Promise<PlanRequest>;
}

/** Opens cache and catalog of a database, and reads all that is known. What is opened is given to `owned`. */
export async function openEngine(
  database: DatabaseConfig,
  config: PcacheConfig,
  tls: ServerTls | undefined,
  log: Log,
  owned: Owned,
): Promise<OpenEngine> {
  const open = await openCatalog(database, config, tls, log, owned);
  const { pool, keeper } = open;
  const backend = owned.add(await openCacheBackend(config.cache, tls, log));
  const engine = owned.add(
    await DatabaseEngine.open({
      mode: config.mode,
      partitionKeys: [...database.partitionKeys.values()],
      backend,
      lowestKey: (key) => readLowestKey(pool, key),
      catalog: keeper,
      shapes: new ShapeChecker(pool),
      contextQuery: sqlFile('session-context').text,
      minQueryMs: Infinity,
      // Nobody waits for the answer of a statement.
      fetchMs: patienceMs,
      memoryBytes: config.limits.memoryBytes,
      learn: () => undefined,
      retryAt,
      events: unheard,
      log,
    }),
  );
  await Promise.all([keeper.settled(), engine.loaded]);
  return {
    ...open,
    engine,
    backend,
    request: async (text, settings) => ({
      statement: engine.inspect(text),
      context: await readContextWith(settings, pool, keeper.databaseIdentity),
      isContextCertain: true,
      canRetry: true,
      canMakeTables: true,
    }),
  };
}

const patienceMs = 60_000;
