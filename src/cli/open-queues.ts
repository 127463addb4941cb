import { openCacheStore } from '../cache/backends/rocksdb/open-cache-store';
import type { RedisConnections } from '../cache/backends/redis/redis-connections';
import { openRecord, sealRecord } from '../cache/codecs/record';
import { messageOf } from '../errors/message-of';
import { NewerSchemaError } from '../errors/newer-schema-error';
import { ControlQueryError } from '../errors/control-query-error';
import { QueueUnavailableError } from '../errors/queue-unavailable-error';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import { DeferredQueue } from '../population/queue/deferred-queue';
import { ForgivingJournal } from '../population/queue/forgiving-journal';
import { InProcessQueue } from '../population/queue/in-process-queue';
import { PostgresqlQueue } from '../population/queue/postgresql/postgresql-queue';
import { queueMigrations, type QueueSchema } from '../population/queue/postgresql/queue-schema';
import { RedisQueue } from '../population/queue/redis/redis-queue';
import { type ByteStore, RocksdbJournal } from '../population/queue/rocksdb-journal';
import type { WorkKind } from '../population/queue/work-kind';
import type { WorkQueue } from '../population/queue/work-queue';
import type { ControlPool } from '../postgres/control-pool';
import { pendingMigrations } from '../postgres/migrations';
import type { ServerTls } from '../postgres/server-tls';
import { openCachePool } from './open-cache-pool';
import { openRedisConnections } from './open-redis-connections';
import { OnceOpened } from './once-opened';
import { Owned } from './owned';

/** What tells a database from all others; rejects when aborted. */
export type DatabaseSource = (signal: AbortSignal) => Promise<string>;

/** What all queues of a process share; disposed of after the queues that were opened of it. */
export interface Queues extends AsyncDisposable {
  /** The queue of a tier for one database, opened when it is used. The caller disposes of it. */
  open<Work>(kind: WorkKind<Work>, source: DatabaseSource): DeferredQueue<Work>;
}

/** Connections for work, besides one for each queue that listens: two tiers of each database. */
const workingConnections = 3;
const tiers = 2;

/** Where the queues of the configuration are, in PostgreSQL. */
export function queueSchema({ cache, queue }: PcacheConfig): QueueSchema {
  return { schema: cache.postgresql.schema, tablePrefix: queue.tablePrefix };
}

/** The queues the configuration names. Nothing is opened yet, and nothing has to be there. */
export function openQueues(config: PcacheConfig, tls: ServerTls | undefined, log: Log): Queues {
  return new ConfiguredQueues(config, tls, log.child({ part: 'queue' }));
}

class ConfiguredQueues implements Queues {
  readonly #owned = new Owned();
  readonly #postgresql: OnceOpened<ControlPool>;
  readonly #redis: OnceOpened<RedisConnections>;
  readonly #store: OnceOpened<ClosableStore | undefined>;
  #isTold = false;

  constructor(
    private readonly config: PcacheConfig,
    tls: ServerTls | undefined,
    private readonly log: Log,
  ) {
    const { queue, databases } = config;
    const listening = queue.isListening ? tiers * Math.max(databases.size, 1) : 0;
    this.#postgresql = this.#owned.add(
      new OnceOpened(async () => openCachePool(queue.postgresql, tls, workingConnections + listening)),
    );
    this.#redis = this.#owned.add(new OnceOpened(() => this.#connectRedis()));
    this.#store = this.#owned.add(new OnceOpened(() => this.#openStore()));
  }

  open<Work>(kind: WorkKind<Work>, source: DatabaseSource): DeferredQueue<Work> {
    return new DeferredQueue((signal) => this.#open(kind, () => source(signal)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned[Symbol.asyncDispose]();
  }

  async #open<Work>(kind: WorkKind<Work>, source: () => Promise<string>): Promise<WorkQueue<Work>> {
    const { queue, cache } = this.config;
    const { provider } = queue;
    const isAuto = provider === 'auto';
    if (provider === 'redis' || (isAuto && cache.backend.startsWith('redis_'))) {
      return this.#inRedis(kind, await source());
    }
    if (provider === 'postgresql') return this.#inPostgresql(kind, await source());
    if (isAuto && cache.backend.startsWith('postgresql_')) {
      const objection = await this.#objectionToTables();
      if (objection === undefined) return this.#inPostgresql(kind, await source());
      this.#tellOnce(objection);
    }
    return this.#inProcess(kind, source);
  }

  async #inPostgresql<Work>(kind: WorkKind<Work>, source: string): Promise<WorkQueue<Work>> {
    const pool = await this.#postgresql.get();
    return new PostgresqlQueue({ ...this.#common(kind, source), pool, schema: queueSchema(this.config) });
  }

  async #inRedis<Work>(kind: WorkKind<Work>, source: string): Promise<WorkQueue<Work>> {
    const connections = await this.#redis.get();
    const keyPrefix = `${this.config.cache.redis.keyPrefix}queue:`;
    return new RedisQueue({ ...this.#common(kind, source), connections, keyPrefix });
  }

  async #inProcess<Work>(kind: WorkKind<Work>, source: () => Promise<string>): Promise<WorkQueue<Work>> {
    const { maxAttempts, maxLength } = this.config.queue;
    const store = await this.#store.get();
    if (store === undefined) return new InProcessQueue({ kind, maxAttempts, maxLength });
    const written = await RocksdbJournal.open(store, queueSeal, kind, await source(), this.#warn);
    const journal = new ForgivingJournal(written, this.#warn);
    return new InProcessQueue({ kind, maxAttempts, maxLength, journal });
  }

  #common<Work>(kind: WorkKind<Work>, source: string) {
    const { isListening, leaseMs, maxAttempts, maxLength } = this.config.queue;
    return { kind, source, isListening, leaseMs, maxAttempts, maxLength, warn: this.#warn };
  }

  /** Why `auto` is not to take the tables beside the cache; rejects if they cannot be asked for. */
  async #objectionToTables(): Promise<string | undefined> {
    // Observers, and the database itself, see no other queue: their proxies wait for the tables.
    if (this.config.population.runBy !== 'proxy') return undefined;
    const pool = await this.#postgresql.get();
    try {
      const pending = await pendingMigrations(pool, queueMigrations(queueSchema(this.config)));
      return pending.length === 0 ? undefined : 'its tables are not set up; pcache manage setup makes them';
    } catch (error) {
      if (error instanceof NewerSchemaError || error instanceof ControlQueryError) return messageOf(error);
      throw new QueueUnavailableError('the queue', messageOf(error), { cause: error });
    }
  }

  async #connectRedis(): Promise<RedisConnections> {
    const connections = openRedisConnections(this.config.cache.redis, (message, cause) =>
      this.log.debug({ err: cause }, message),
    );
    try {
      await connections.connect();
      return connections;
    } catch (error) {
      await connections[Symbol.asyncDispose]();
      throw new QueueUnavailableError('the queue', messageOf(error), { cause: error });
    }
  }

  /** Where an in-process queue is written down; undefined if it is not: it is then learned anew. A cache in memory is as well. */
  async #openStore(): Promise<ClosableStore | undefined> {
    const { cache, queue } = this.config;
    if (cache.backend === 'memory' && queue.provider === 'auto') return undefined;
    try {
      const { store } = await openCacheStore('queue', `${cache.path}-queue`, this.#warn);
      return {
        getMany: (keys) => store.getMany(keys),
        write: (operations, options) => store.write(operations, options),
        [Symbol.asyncDispose]: () => store.close(),
      };
    } catch (error) {
      this.log.info({ err: error }, 'the queue is not written down and ends with the process');
      return undefined;
    }
  }

  #tellOnce(reason: string): void {
    if (!this.#isTold) this.log.info({ reason }, 'the queue is in this process, not beside the cache');
    this.#isTold = true;
  }

  readonly #warn = (message: string, cause?: unknown): void => {
    this.log.warn(cause === undefined ? {} : { err: cause }, message);
  };
}

interface ClosableStore extends ByteStore, AsyncDisposable {}

const queueSeal = {
  seal: (payload: Uint8Array) => sealRecord('queue', payload),
  open: (record: Buffer) => openRecord('queue', record),
};
