import type { CacheBackend, EntryDescription } from '../cache/cache-backend';
import type { GuardedBackend } from '../cache/guarded-backend';
import { invalidate, type Invalidation } from '../cache/invalidation';
import type { Engine } from '../engine/engine';
import { ShapeStatistics } from '../engine/statistics/shape-statistics';
import { SwitchableEngine } from '../engine/switchable-engine';
import { TracedEngine } from '../engine/tracing/traced-engine';
import { findTracer } from '../engine/tracing/tracer';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { cacheCheck } from '../ops/admin/cache-check';
import { engineCheck } from '../ops/admin/engine-check';
import type { Readiness } from '../ops/admin/readiness';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { DatabaseFacts } from '../ops/console/console-subjects';
import type { PopulationState } from '../ops/control/proxy-control';
import type { Log } from '../ops/log/log';
import type { Metrics } from '../ops/metrics/metrics';
import { waitUntil } from '../postgres/deadline';
import type { ServerTls } from '../postgres/server-tls';
import { sqlFile } from '../postgres/sql-files';
import { loadParser } from '../query/ast/parser';
import { composeDatabase, type ComposedDatabase } from './compose-database';
import { databaseFacts } from './database-facts';
import { openGuardedCache } from './open-guarded-cache';
import { openQueues, type Queues } from './open-queues';
import { Owned } from './owned';
import { startEvictor } from './start-evictor';
import { borrowQueues } from './workers/borrowed-queue';
import type { Channel } from './workers/channel';
import type { LentCache } from './workers/lent-cache';
import type { LentQueues } from './workers/lent-queues';

export interface RunningDatabasesParts {
  readonly serverTls: ServerTls | undefined;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly log: Log;
  /** Of a worker: it populates, splits and evicts, and has open what only one process can. */
  readonly overseer?: Channel | undefined;
  /** Of an overseer: what its workers use of it. */
  readonly lent?: { readonly cache: LentCache; readonly queues: LentQueues };
}

/** A run that is cancelled ends within moments, unless its server or the cache is away. */
const interruptMs = 10_000;

/**
 * The engine of each configured database, with the population that feeds it, over one cache. Another configuration may take over while sessions are open;
 * the cache stays. A proxy that only relays needs none of it.
 */
export class RunningDatabases implements AsyncDisposable {
  readonly #engines = new Map<string, SwitchableEngine>();
  /** Names that have, or have had, an engine. */
  readonly #known = new Map<string, SwitchableEngine>();
  /** What is there now. */
  readonly #composed = new Map<string, ComposedDatabase>();
  /** How statements fared, whatever is reloaded meanwhile. */
  readonly #statistics = new Map<string, ShapeStatistics>();
  #cache = new Owned();
  #runsPopulation = false;
  #isPaused = false;
  #backend: GuardedBackend | undefined;
  #owned = new Owned();

  constructor(private readonly parts: RunningDatabasesParts) {
    parts.readiness.addCheck(cacheCheck(() => this.#backend?.trouble));
  }

  /** By the name of the database. Changes with the configuration. */
  get engines(): ReadonlyMap<string, Engine> {
    return this.#engines;
  }

  /** Nothing runs yet, or no more. Rejects as the parts do, after closing what was opened. */
  async start(config: PcacheConfig): Promise<void> {
    const wanted = config.mode === 'off' ? new Map() : config.databases;
    for (const name of this.#engines.keys()) if (!wanted.has(name)) this.#engines.delete(name);
    if (wanted.size === 0) return;
    const { serverTls, metrics, log, overseer, lent } = this.parts;
    try {
      await loadParser();
      const backend = await this.#cacheOf(config);
      if (overseer === undefined) this.#owned.add(startEvictor(config, 'proxy', backend, metrics.cache, log));
      const queuesOf = this.#queuesOf(config);
      const runBy = overseer === undefined ? config.population.runBy : 'observer';
      this.#runsPopulation = runBy !== 'observer';
      for (const [name, database] of config.databases) {
        const own = log.child({ database: name });
        const work = {
          queues: queuesOf(name),
          isSplitting: runBy !== 'observer',
          isRunning: runBy === 'proxy',
        };
        const statistics = this.#statistics.get(name) ?? new ShapeStatistics();
        this.#statistics.set(name, statistics);
        const parts = [serverTls, backend, metrics, own, work, statistics] as const;
        const composed = this.#owned.add(await composeDatabase(database, config, ...parts));
        this.#composed.set(name, composed);
        if (lent !== undefined) this.#owned.add(lent.queues.lend(name, composed));
        if (this.#isPaused) composed.population.pause();
        const { engine } = composed;
        const switchable = this.#switchable(name);
        const tracer = findTracer();
        switchable.switchTo(tracer === undefined ? engine : new TracedEngine(engine, name, tracer));
        this.#engines.set(name, switchable);
      }
    } catch (error) {
      await this.#stop();
      throw error;
    }
  }

  /**
   * Has the second configuration take over from the first, or if that cannot be, the first one go on; then it rejects as `start` does. In between, which
   * takes a moment, statements go as they came; no session is disturbed.
   */
  async replace(before: PcacheConfig, after: PcacheConfig): Promise<void> {
    await this.#stop();
    try {
      await this.start(after);
    } catch (error) {
      await this.start(before);
      throw error;
    }
  }

  /** What the console shows of each. */
  facts(): readonly DatabaseFacts[] {
    return [...this.#composed].map(([name, composed]) => databaseFacts(name, composed));
  }

  /** What is in the cache; nothing if there is none. Rejects with CacheUnavailableError. */
  async *entries(partitionKey: string | undefined): AsyncIterable<EntryDescription> {
    if (this.#backend !== undefined) yield* this.#backend.list(partitionKey);
  }

  /** elsewhere also if nothing is configured, or the proxy only relays. */
  get population(): PopulationState {
    if (!this.#runsPopulation || this.#composed.size === 0) return 'elsewhere';
    return this.#isPaused ? 'paused' : 'running';
  }

  get isPopulationPaused(): boolean {
    return this.#isPaused;
  }

  /** No fragment is begun until `resumePopulation`, whatever takes over meanwhile. */
  pausePopulation(): void {
    this.#isPaused = true;
    for (const { population } of this.#composed.values()) population.pause();
  }

  resumePopulation(): void {
    this.#isPaused = false;
    for (const { population } of this.#composed.values()) population.resume();
  }

  /** As ProxyControl has it. */
  async invalidate(invalidation: Invalidation, signal?: AbortSignal): Promise<number> {
    const backend = this.#backend;
    if (backend === undefined)
      throw new CacheUnavailableError('cache', 'there is none: the proxy only relays');
    const populations = [...this.#composed.values()].map(({ population }) => population);
    for (const population of populations) population.pause();
    try {
      const interrupted = Promise.all(populations.map((population) => population.interrupt()));
      await waitUntil(interrupted, { timeoutMs: interruptMs }, () =>
        Promise.reject(new CacheUnavailableError(backend.name, 'what is being run could not be stopped')),
      );
      return await invalidate(backend, invalidation, signal);
    } finally {
      if (!this.#isPaused) for (const population of populations) population.resume();
    }
  }

  /** Stops, the cache included, until it is started again. Meanwhile statements go as they came. */
  async release(): Promise<void> {
    await this.#stop();
    const cache = this.#cache;
    this.#cache = new Owned();
    this.#backend = undefined;
    this.parts.lent?.cache.lend(undefined);
    await cache[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** What was learned is in the cache, and what waits is in queues that keep it. */
  async #stop(): Promise<void> {
    // A session that begins now finds its engine all the same, and with it the one to come.
    for (const engine of this.#engines.values()) engine.switchTo(undefined);
    this.#composed.clear();
    const owned = this.#owned;
    this.#owned = new Owned();
    await owned[Symbol.asyncDispose]();
  }

  async #cacheOf(config: PcacheConfig): Promise<CacheBackend> {
    if (this.#backend !== undefined) return this.#backend;
    const { serverTls, metrics, log, overseer, lent } = this.parts;
    const opened = await openGuardedCache(config.cache, serverTls, metrics.cache, log, overseer);
    const backend = this.#cache.add(opened);
    this.#backend = backend;
    lent?.cache.lend(backend);
    return backend;
  }

  #queuesOf(config: PcacheConfig): (database: string) => Queues {
    const { overseer, serverTls, log } = this.parts;
    if (overseer !== undefined) return (database) => borrowQueues(overseer, database);
    const queues = this.#owned.add(openQueues(config, serverTls, log));
    return () => queues;
  }

  #switchable(name: string): SwitchableEngine {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const engine = new SwitchableEngine(sqlFile('session-context').text);
    this.#known.set(name, engine);
    this.parts.readiness.addCheck(engineCheck(name, engine));
    return engine;
  }
}
