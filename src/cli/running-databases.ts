import type { CacheBackend } from '../cache/cache-backend';
import type { Engine } from '../engine/engine';
import { SwitchableEngine } from '../engine/switchable-engine';
import { cacheCheck } from '../ops/admin/cache-check';
import { engineCheck } from '../ops/admin/engine-check';
import type { Readiness } from '../ops/admin/readiness';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { Metrics } from '../ops/metrics/metrics';
import type { ServerTls } from '../postgres/server-tls';
import { sqlFile } from '../postgres/sql-files';
import { loadParser } from '../query/ast/parser';
import { composeDatabase } from './compose-database';
import { openGuardedCache } from './open-guarded-cache';
import { openQueues } from './open-queues';
import { Owned } from './owned';
import { startEvictor } from './start-evictor';

export interface RunningDatabasesParts {
  readonly serverTls: ServerTls | undefined;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly log: Log;
}

/**
 * The engine of each configured database, with the population that feeds it, over one cache. Another configuration may take over while sessions are open;
 * the cache stays. A proxy that only relays needs none of it.
 */
export class RunningDatabases implements AsyncDisposable {
  readonly #engines = new Map<string, SwitchableEngine>();
  /** Names that have, or have had, an engine. */
  readonly #known = new Map<string, SwitchableEngine>();
  readonly #cache = new Owned();
  #backend: CacheBackend | undefined;
  #owned = new Owned();

  constructor(private readonly parts: RunningDatabasesParts) {}

  /** By the name of the database. Changes with the configuration. */
  get engines(): ReadonlyMap<string, Engine> {
    return this.#engines;
  }

  /** Nothing runs yet, or no more. Rejects as the parts do, after closing what was opened. */
  async start(config: PcacheConfig): Promise<void> {
    if (config.mode === 'off' || config.databases.size === 0) return;
    const { serverTls, metrics, log } = this.parts;
    try {
      await loadParser();
      const backend = await this.#cacheOf(config);
      this.#owned.add(startEvictor(config, 'proxy', backend, metrics.cache, log));
      const queues = this.#owned.add(openQueues(config, serverTls, log));
      const { runBy } = config.population;
      const work = { queues, isSplitting: runBy !== 'observer', isRunning: runBy === 'proxy' };
      for (const [name, database] of config.databases) {
        const own = log.child({ database: name });
        const composed = await composeDatabase(database, config, serverTls, backend, metrics, own, work);
        const { engine } = this.#owned.add(composed);
        const switchable = this.#switchable(name);
        switchable.switchTo(engine);
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.#cache[Symbol.asyncDispose]();
  }

  /** What was learned is in the cache, and what waits is in queues that keep it. */
  async #stop(): Promise<void> {
    for (const engine of this.#engines.values()) engine.switchTo(undefined);
    this.#engines.clear();
    const owned = this.#owned;
    this.#owned = new Owned();
    await owned[Symbol.asyncDispose]();
  }

  async #cacheOf(config: PcacheConfig): Promise<CacheBackend> {
    if (this.#backend !== undefined) return this.#backend;
    const { serverTls, metrics, readiness, log } = this.parts;
    const backend = this.#cache.add(await openGuardedCache(config.cache, serverTls, metrics.cache, log));
    readiness.addCheck(cacheCheck(backend));
    this.#backend = backend;
    return backend;
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
