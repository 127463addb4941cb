import type { CacheBackend } from '../cache/cache-backend';
import type { Directory } from '../cache/directory';
import { CatalogKeeper } from '../engine/catalog-keeper';
import { DatabaseEngine } from '../engine/database-engine';
import { ShapeChecker } from '../engine/shape-checker';
import { LogWatch } from '../freshness/log-watch';
import { TrackingWatch } from '../freshness/tracking-watch';
import { QueueUnavailableError } from '../errors/queue-unavailable-error';
import type { DatabaseConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { FreshnessFacts } from '../ops/console/console-subjects';
import { tracedEvents } from '../engine/tracing/traced-events';
import { findTracer } from '../engine/tracing/tracer';
import type { Log } from '../ops/log/log';
import type { Metrics } from '../ops/metrics/metrics';
import { Learner } from '../population/learner';
import { Observer } from '../population/observer';
import { type Pausable, Pauses } from '../population/pauses';
import type { PopulationEvents } from '../population/population-events';
import { LoadWatch } from '../population/load-watch';
import { QuerySplitter } from '../population/query-splitter';
import { fragments, type OriginalQuery, originalQueries } from '../population/queue/work-kind';
import type { DeferredQueue } from '../population/queue/deferred-queue';
import { type RefreshableEntry, Refresher } from '../population/refresher';
import { retryAt } from '../population/retry-policy';
import { ServerIdleness } from '../population/server-idleness';
import { readChangedKeys } from '../population/sources/changes-since';
import type { ServerTls } from '../postgres/server-tls';
import { readLowestKey } from '../postgres/catalog/read-lowest-key';
import { sqlFile } from '../postgres/sql-files';
import { type KeyHeat, keyHeat } from '../engine/statistics/key-heat';
import { splitQuery } from '../engine/split-query';
import type { ShapeStatistics } from '../engine/statistics/shape-statistics';
import type { Catalog } from '../query/catalog/catalog';
import type { Fragment, FragmentHash } from '../query/fragment/fragment';
import { controlPool } from './control-pool';
import { databaseSource } from './database-source';
import { openFragmentSource } from './open-fragment-source';
import type { Queues } from './open-queues';
import { Owned } from './owned';
import { trackedTables } from './tracked-tables';
import { withoutValues } from './without-values';

const sessionContext = sqlFile('session-context');

/** Connections for the catalog and for checking shapes; population has its own, so that neither waits for the other. */
const controlConnections = 2;

/** Key sets that a look at the keys takes in. */
const maxHeatSets = 256;

/** What works for one configured database. */
export interface ComposedDatabase extends AsyncDisposable {
  readonly engine: DatabaseEngine;
  /** Both tiers of its queue. */
  readonly queries: DeferredQueue<OriginalQuery>;
  readonly fragments: DeferredQueue<Fragment>;
  readonly population: ComposedPopulation;
  freshness(): Promise<FreshnessFacts>;
}

/** The part of population that this process does. */
export interface ComposedPopulation extends Pausable {
  /** Cancels what is running, to be begun anew; resolves when nothing of it can be stored any more. */
  interrupt(): Promise<void>;
}

/** What a process does for population. */
export interface PopulationWork {
  /** Lent, not owned. */
  readonly queues: Queues;
  /** Whether statements of the first tier are read, and entries that much has changed for brought up to date. */
  readonly isSplitting: boolean;
  /** Whether fragments are run; otherwise they are only queued. */
  readonly isRunning: boolean;
  /** Whether fragments are run although they are known. */
  readonly isForced?: boolean;
  /** As of ObserverOptions. */
  readonly isForNewKeys?: boolean;
  /** While more fragments wait, no statement is read. */
  readonly maxPending?: number;
  /** Hears of every run, besides log and metrics. */
  readonly onFinished?: PopulationEvents['finished'];
}

/**
 * Builds the engine of a database, and the population that feeds it. The backend is lent.
 *
 * @param statistics where it is noted how statements fare, if that is to outlive the engine
 */
export async function composeDatabase(
  database: DatabaseConfig,
  config: PcacheConfig,
  serverTls: ServerTls | undefined,
  backend: CacheBackend,
  metrics: Metrics,
  log: Log,
  work: PopulationWork,
  statistics?: ShapeStatistics,
): Promise<ComposedDatabase> {
  return Owned.open(async (owned) => {
    const partitionKeys = [...database.partitionKeys.values()];
    const tracer = findTracer();
    const engineLog = log.child({ part: 'engine' });
    const populationLog = log.child({ part: 'population' });
    const catalogPool = owned.add(
      controlPool(database, serverTls, { maxConnections: controlConnections }, engineLog),
    );
    const source = databaseSource(catalogPool);
    const queue = owned.add(work.queues.open(fragments, source));
    const queries = owned.add(work.queues.open(originalQueries, source));
    const events = alsoAskingCache(
      populationEvents(metrics, populationLog, config.log.sql, work.onFinished),
      backend,
      partitionKeys,
    );
    const { concurrency, duty, minSeen } = config.population;
    const idleness = new ServerIdleness(catalogPool, populationLog);
    const isIdle = (signal: AbortSignal): Promise<boolean> => idleness.isIdle(signal);
    const { isSplitting, isRunning, isForced = false, isForNewKeys = false } = work;
    const exactKeys = partitionKeys.filter(({ changeLog }) => changeLog !== undefined);
    const isTracked = exactKeys.length > 0;
    const watch = new TrackingWatch({
      ...config.freshness,
      pool: catalogPool,
      tables: trackedTables(exactKeys),
      log: log.child({ part: 'freshness' }),
    });
    const catalog = new CatalogKeeper(
      catalogPool,
      partitionKeys,
      engineLog,
      isTracked ? config.freshness : undefined,
    );
    const directory = (): Directory => engine.directory;
    const parts = { serverTls, backend, catalog, isForced, directory, log: populationLog, owned };
    const { source: fragmentSource, own } = openFragmentSource(database, config, parts);
    const canBeKept = (fragment: Fragment): boolean =>
      database.partitionKeys.get(fragment.partitionKey)?.changeLog === undefined ||
      watch.canKeepFresh(fragment);
    const observer = owned.add(
      new Observer({
        ...{ queue, source: fragmentSource, backend, events, concurrency, isForced, isForNewKeys },
        // A source elsewhere is not asked what else it has to do.
        ...{ outageBackoff, pace: { duty, isIdle: fragmentSource === own ? isIdle : undefined } },
      }),
    );
    const pauses = new Pauses(observer);
    const operator = pauses.holder();
    let isPaused = false;
    const learner = owned.add(
      new Learner({
        ...{ queue, events, outageBackoff, minSeen },
        ...(isForced
          ? {}
          : { describe: ({ partitionKey, hash }) => engine.directory.get(partitionKey, hash) }),
      }),
    );
    const engine = owned.add(
      await DatabaseEngine.open({
        mode: config.mode,
        partitionKeys,
        backend,
        lowestKey: (key) => readLowestKey(catalogPool, key),
        catalog,
        shapes: new ShapeChecker(catalogPool),
        contextQuery: sessionContext.text,
        minQueryMs: config.population.minQueryMs,
        fetchMs: config.cache.deadlineMs,
        memoryBytes: Math.floor(config.limits.memoryBytes / config.databases.size),
        learn: (fragments, weight) => {
          learner.learn(fragments.filter(canBeKept), weight);
        },
        changedKeys: (keys) => readChangedKeys(catalogPool, keys),
        retryAt,
        ...(config.verification === undefined
          ? {}
          : {
              verification: {
                ...config.verification,
                pool: owned.add(controlPool(database, serverTls, { maxConnections: 1 }, engineLog)),
                logsSql: config.log.sql,
                verified: (outcome) => metrics.engine.verified(outcome),
                report: (fields, message) => engineLog.error(fields, message),
              },
            }),
        ...(statistics === undefined ? {} : { statistics }),
        events: tracer === undefined ? metrics.engine : tracedEvents(metrics.engine, tracer),
        statementLog: { ...config.log, maySayValues: config.log.sql },
        log: engineLog,
      }),
    );
    owned.add(metrics.population.watchQueue('query_fragment_queue', () => queue.lengthsIfOpen()));
    owned.add(metrics.population.watchQueue('original_query_queue', () => queries.lengthsIfOpen()));
    owned.add(
      metrics.engine.watchDirectory(() => ({
        entries: engine.directory.counts(),
        keySetBytes: engine.keySets.bytes,
        ages: engine.directory.ages(),
      })),
    );
    owned.add(metrics.statements.watch(database.name, engine.statistics));
    const heat = (): readonly KeyHeat[] =>
      partitionKeys.map(({ name, datatype }) =>
        keyHeat(name, datatype, engine.keySets.recent(name, maxHeatSets)),
      );
    owned.add(metrics.keys.watch(database.name, { partitionKeys: heat }));
    if (isSplitting) {
      const split = async (query: OriginalQuery): ReturnType<typeof splitQuery> => {
        const current = catalog.current ?? (await catalogOf(catalog));
        const { databaseIdentity } = catalog;
        return splitQuery(query, { pool: catalogPool, catalog: current, databaseIdentity, partitionKeys });
      };
      const push = (found: readonly Fragment[], priority: number): Promise<void> =>
        learner.push(found.filter(canBeKept), priority);
      const { maxPending } = work;
      const limits = maxPending === undefined ? {} : { maxPending };
      owned.add(new QuerySplitter({ queries, fragments: queue, split, push, events, ...limits })).start();
    }
    if (isRunning) {
      observer.start();
      if (LoadWatch.isNeeded(config.population))
        owned
          .add(
            new LoadWatch({
              ...config.population,
              pool: catalogPool,
              paused: pauses.holder(),
              log: populationLog,
            }),
          )
          .start();
    }
    let freshness = (): Promise<FreshnessFacts> => Promise.resolve({ log: undefined, entries: undefined });
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
        ...{
          pool: catalogPool,
          source: own,
          ...(fragmentSource === own ? {} : { whole: fragmentSource }),
          backend,
          events,
          schema,
          checkMs,
          maxChanged,
          entries,
          isPaused: () => isPaused,
        },
      });
      if (isSplitting) owned.add(refresher).start();
      const logWatch = new LogWatch(catalogPool, schema);
      owned.add(metrics.freshness.watchLog(() => logWatch.read()));
      owned.add(metrics.freshness.watchEntries(() => refresher.lastLook));
      freshness = async () => ({ log: await logWatch.read(), entries: refresher.lastLook });
    }
    const population: ComposedPopulation = {
      pause: () => {
        isPaused = true;
        operator.pause();
      },
      resume: () => {
        isPaused = false;
        operator.resume();
      },
      interrupt: () => observer.interrupt(),
    };
    return {
      ...{ engine, queries, fragments: queue, population, freshness },
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  });
}

/** In no cache. */
const noHash = '0'.repeat(64) as FragmentHash;

/**
 * A queue beside the cache is often away with it. Then nothing is run, and nobody would ask the cache and notice: so it is asked, which its
 * guard makes cheap.
 */
function alsoAskingCache(
  events: PopulationEvents,
  backend: CacheBackend,
  [key]: readonly { readonly name: string }[],
): PopulationEvents {
  return {
    ...events,
    trouble: (message, error) => {
      events.trouble(message, error);
      if (error instanceof QueueUnavailableError && key !== undefined)
        // Its guard tells of it.
        backend.describe(key.name, noHash).catch(() => undefined);
    },
  };
}

async function catalogOf(keeper: CatalogKeeper): Promise<Catalog> {
  await keeper.settled();
  if (keeper.current === undefined) throw new Error('the catalog is not read yet');
  return keeper.current;
}

/** Soon enough for what is learned again when it is back. */
const outageBackoff = { firstMs: 500, maxMs: 5_000 };

/** What population reports, counted and logged. The server's messages may quote values of the statement. */
function populationEvents(
  metrics: Metrics,
  log: Log,
  maySayValues: boolean,
  onFinished: PopulationEvents['finished'] = () => undefined,
): PopulationEvents {
  return {
    started: () => {
      metrics.population.started();
    },
    finished: (run) => {
      metrics.population.finished(run);
      onFinished(run);
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
