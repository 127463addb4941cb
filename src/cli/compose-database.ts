import type { CacheBackend } from '../cache/cache-backend';
import { CatalogKeeper } from '../engine/catalog-keeper';
import { DatabaseEngine } from '../engine/database-engine';
import { ShapeChecker } from '../engine/shape-checker';
import { TrackingWatch } from '../freshness/tracking-watch';
import type { DatabaseConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { Metrics } from '../ops/metrics/metrics';
import { Learner } from '../population/learner';
import { Observer } from '../population/observer';
import type { PopulationEvents } from '../population/population-events';
import { InProcessQueue } from '../population/queue/in-process-queue';
import { fragments } from '../population/queue/work-kind';
import { type RefreshableEntry, Refresher } from '../population/refresher';
import { retryAt } from '../population/retry-policy';
import { type InPlacePopulation, PostgresqlSource } from '../population/sources/postgresql';
import type { ServerTls } from '../postgres/server-tls';
import { readLowestKey } from '../postgres/catalog/read-lowest-key';
import { sqlFile } from '../postgres/sql-files';
import type { Fragment } from '../query/fragment/fragment';
import { controlPool } from './control-pool';
import { Owned } from './owned';
import { trackedTables } from './tracked-tables';

const sessionContext = sqlFile('session-context');

/** Connections for the catalog and for checking shapes; population has its own, so that neither waits for the other. */
const controlConnections = 2;

/** What works for one configured database. */
export interface ComposedDatabase extends AsyncDisposable {
  readonly engine: DatabaseEngine;
}

/** Builds the engine of a database, and the population that feeds it. The backend is lent. */
export async function composeDatabase(
  database: DatabaseConfig,
  config: PcacheConfig,
  serverTls: ServerTls | undefined,
  backend: CacheBackend,
  metrics: Metrics,
  log: Log,
): Promise<ComposedDatabase> {
  const owned = new Owned();
  try {
    const partitionKeys = [...database.partitionKeys.values()];
    const catalogPool = owned.add(
      controlPool(database, serverTls, { maxConnections: controlConnections }, log),
    );
    const populationPool = owned.add(
      controlPool(database, serverTls, { maxConnections: config.population.concurrency }, log),
    );
    const queue = owned.add(new InProcessQueue({ kind: fragments }));
    const events = populationEvents(metrics, log, config.log.sql);
    const source = new PostgresqlSource({
      pool: populationPool,
      ...config.population,
      changeLogOf: (name) => database.partitionKeys.get(name)?.changeLog,
      ...(config.cache.postgresql.mayStoreInPlace
        ? { inPlace: inPlacePopulation(backend, log, config.log.sql) }
        : {}),
    });
    const { concurrency } = config.population;
    const exactKeys = partitionKeys.filter(({ changeLog }) => changeLog !== undefined);
    const isTracked = exactKeys.length > 0;
    const watch = new TrackingWatch({
      ...config.freshness,
      pool: catalogPool,
      tables: trackedTables(exactKeys),
      log,
    });
    const canBeKept = (fragment: Fragment): boolean =>
      database.partitionKeys.get(fragment.partitionKey)?.changeLog === undefined ||
      watch.canKeepFresh(fragment);
    const observer = owned.add(new Observer({ queue, source, backend, events, concurrency }));
    const learner = new Learner({
      queue,
      events,
      describe: ({ partitionKey, hash }) => engine.directory.get(partitionKey, hash),
    });
    const engine = owned.add(
      await DatabaseEngine.open({
        mode: config.mode,
        partitionKeys,
        backend,
        lowestKey: (key) => readLowestKey(catalogPool, key),
        catalog: new CatalogKeeper(catalogPool, partitionKeys, log, isTracked ? config.freshness : undefined),
        shapes: new ShapeChecker(catalogPool),
        contextQuery: sessionContext.text,
        minQueryMs: config.population.minQueryMs,
        fetchMs: config.cache.deadlineMs,
        memoryBytes: Math.floor(config.limits.memoryBytes / config.databases.size),
        learn: (fragments, weight) => {
          learner.learn(fragments.filter(canBeKept), weight);
        },
        retryAt,
        events: metrics.engine,
        log,
      }),
    );
    metrics.population.watchQueue(() => queue.lengths());
    metrics.engine.watchDirectory(() => ({
      entries: engine.directory.counts(),
      keySetBytes: engine.keySetBytes,
    }));
    observer.start();
    void engine.warmUp();
    if (isTracked) {
      owned.add(watch).start();
      const entries = (): readonly RefreshableEntry[] =>
        [...engine.directory.entries()].filter(
          ({ partitionKey, status }) =>
            status === 'ok' && database.partitionKeys.get(partitionKey)?.changeLog !== undefined,
        );
      const { schema, checkMs, refreshChanges: maxChanged } = config.freshness;
      const refresher = new Refresher({
        ...{ pool: catalogPool, source, backend, events, schema, checkMs, maxChanged, entries },
      });
      owned.add(refresher).start();
    }
    return { engine, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
  } catch (error) {
    await owned[Symbol.asyncDispose]();
    throw error;
  }
}

/** Reasons that are told once; some quote a fragment, so there may be many. */
const maxReasonsTold = 100;

function inPlacePopulation(backend: CacheBackend, log: Log, maySayValues: boolean): InPlacePopulation {
  const told = new Set<string>();
  return {
    store: () => backend.inPlace,
    refused: (error) => {
      const reason = (maySayValues ? error : withoutValues(error)) ?? error;
      if (told.has(reason)) return;
      if (told.size >= maxReasonsTold) told.clear();
      told.add(reason);
      log.info({ reason }, 'a key set was not stored in place, but passed through the proxy');
    },
  };
}

/** What population reports, counted and logged. The server's messages may quote values of the statement. */
function populationEvents(metrics: Metrics, log: Log, maySayValues: boolean): PopulationEvents {
  return {
    started: () => {
      metrics.population.started();
    },
    finished: (run) => {
      metrics.population.finished(run);
      const { fragment, status, seconds, keyCount, isInPlace, error } = run;
      const reason = maySayValues ? error : withoutValues(error);
      const fields = {
        partitionKey: fragment.partitionKey,
        hash: fragment.hash,
        status,
        seconds,
        keyCount,
        isInPlace,
        reason,
      };
      if (status === 'ok' || status === 'aborted') log.debug(fields, 'fragment run');
      else log.warn(fields, 'fragment run');
    },
    skipped: (fragment, reason) => {
      metrics.population.skipped(fragment, reason);
    },
    trouble: (message, error) => {
      metrics.population.trouble();
      log.warn({ err: error }, message);
    },
  };
}

/** Errors of class 42 (syntax, access, unknown names) name objects, not values; of others only the code is told. */
function withoutValues(error: string | undefined): string | undefined {
  const sqlState = /SQLSTATE (\w{5})/.exec(error ?? '')?.[1];
  return sqlState === undefined || sqlState.startsWith('42')
    ? error
    : `SQLSTATE ${sqlState}; log.sql shows the message`;
}
