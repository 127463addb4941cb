import type { Argv } from 'yargs';
import { bitCapabilities } from '../../cache/bit-capabilities';
import { cacheMigrations, cacheQuery, changeChannel } from '../../cache/backends/postgresql/cache-schema';
import {
  arrayStorage,
  bitStorage,
  type KeyStorage,
  roaringStorage,
} from '../../cache/backends/postgresql/key-storage';
import { StartError } from '../../errors/start-error';
import { trackingQuery } from '../../freshness/tracking-schema';
import type { DatabaseConfig, PcacheConfig } from '../../ops/config/pcache-config';
import { createLog } from '../../ops/log/create-log';
import { DatabaseProcessor, type ProcessorSchema } from '../../population/processor/database-processor';
import { jobNames, processorJobs } from '../../population/processor/processor-jobs';
import type { ProcessorLimits, ProcessorPlace } from '../../population/processor/processor-records';
import { queueMigrations, queueQuery, workChannel } from '../../population/queue/postgresql/queue-schema';
import { defaultQueueLimits } from '../../population/queue/queue-limits';
import { fragments } from '../../population/queue/work-kind';
import { defaultMaxTextBytes } from '../../population/sources/postgresql';
import { readDatabaseIdentity } from '../../postgres/catalog/read-database-identity';
import { checkMigrations } from '../../postgres/migrations';
import type { CronJobs } from '../../postgres/pg-cron';
import { quoteIdentifier } from '../../query/ast/quote';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { controlPool } from '../control-pool';
import { checkIsInPostgresql, JobDatabase, type JobFlags, withJobFlags } from '../job-database';
import { type KeyFlags, readKeyedConfig, refuseKeyBesideFile, withKeyFlags } from '../key-flags';
import { loadUpstreamTls } from '../load-tls';
import { queueSchema } from '../open-queues';
import { UsageError } from '../usage-error';
import { keyForms } from './key-forms';
import { type JsonFlag, withJsonFlag } from '../output';

export interface ProcessorFlags extends ConfigFlags, KeyFlags, JobFlags, JsonFlag {}

export function withProcessorFlags<T>(argv: Argv<T>): Argv<T & ProcessorFlags> {
  return withJsonFlag(withJobFlags(withKeyFlags(withConfigFlags(argv))));
}

/** The database whose own processor is meant: the one that has both the data and the cache. */
export class ProcessingDatabase implements AsyncDisposable {
  readonly jobs: JobDatabase;
  readonly processor: DatabaseProcessor;

  private constructor(
    readonly config: PcacheConfig,
    readonly database: DatabaseConfig,
    flags: ProcessorFlags,
  ) {
    this.jobs = new JobDatabase(config, flags);
    this.processor = new DatabaseProcessor(this.jobs.pool, this.schema);
  }

  /** Rejects with UsageError where cache or queue are elsewhere. */
  static async open(flags: ProcessorFlags): Promise<ProcessingDatabase> {
    refuseKeyBesideFile(flags);
    const config = await readKeyedConfig(flags);
    checkIsInPostgresql(config.cache, 'run pcache observer');
    if (config.queue.provider !== 'auto' && config.queue.provider !== 'postgresql')
      throw new UsageError(
        `the queue is not in PostgreSQL: queue.provider is ${config.queue.provider}; run pcache observer`,
      );
    const { cache, queue } = config;
    const isElsewhere = (['host', 'port', 'database'] as const).some(
      (part) => queue.postgresql[part] !== cache.postgresql[part],
    );
    if (isElsewhere) throw new UsageError('the queue is not where the cache is; run pcache observer');
    const name = cache.postgresql.database ?? '';
    const database = config.databases.get(name);
    if (database === undefined)
      throw new UsageError(
        `the cache is in database ${name}, which is not under databases; run pcache observer`,
      );
    return new ProcessingDatabase(config, database, flags);
  }

  get schema(): ProcessorSchema {
    const { schema, tablePrefix } = queueSchema(this.config);
    return { schema, tablePrefix, cachePrefix: this.config.cache.postgresql.tablePrefix };
  }

  /** Tables of queue and cache, as SQL has them. */
  get tables(): { readonly queue: string; readonly cache: string } {
    const { schema, tablePrefix, cachePrefix } = this.schema;
    const named = (table: string): string => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
    return { queue: named(`${tablePrefix}${fragments.name}`), cache: named(`${cachePrefix}entry`) };
  }

  /** Rejects with StartError or NewerSchemaError unless the tables are of this version. */
  async checkVersions(): Promise<void> {
    await checkMigrations(this.jobs.pool, cacheMigrations(this.config.cache.postgresql));
    await checkMigrations(this.jobs.pool, queueMigrations(queueSchema(this.config)));
  }

  /** The names of all jobs there could be. */
  get jobNames(): readonly string[] {
    return jobNames({ schema: this.schema, database: this.database.name });
  }

  async place(frequencyS: number, cronDatabase: string): Promise<ProcessorPlace> {
    const { population, cache, queue } = this.config;
    const source = await this.#identity();
    const statement = (name: string): string =>
      queueQuery(name, queueSchema(this.config), fragments.name).text;
    const names = ['take-work', 'complete-work', 'bury-work', 'give-back-work'];
    const { lockTimeoutMs, workMem, parallelWorkers, duty } = population;
    return {
      ...{ source, backend: cache.backend, cronDatabase },
      cacheChannel: changeChannel(cache.postgresql, cache.backend),
      queueChannel: workChannel(queueSchema(this.config), fragments, source),
      limits: {
        maxJobs: population.concurrency,
        frequencyS,
        timeoutS: Math.max(1, Math.ceil(population.timeoutMs / 1_000)),
        maxKeys: population.maxKeys,
        maxBytes: defaultMaxTextBytes,
        maxAttempts: queue.maxAttempts,
        maxDead: defaultQueueLimits.maxDead,
        logDays: 7,
        duty,
      },
      settings: {
        // All of a fragment is wanted.
        cursor_tuple_fraction: '1',
        max_parallel_workers_per_gather: String(parallelWorkers),
        jit: 'off',
        ...(lockTimeoutMs > 0 ? { lock_timeout: `${Math.ceil(lockTimeoutMs)}ms` } : {}),
        ...(workMem === undefined ? {} : { work_mem: workMem }),
      },
      statements: Object.fromEntries(names.map((name) => [name, statement(name)])),
      keys: [...this.database.partitionKeys.values()].map(({ name, datatype, changeLog }) => ({
        ...{ name, datatype },
        stamp: changeLog === undefined ? undefined : trackingQuery('stamp-entry', changeLog).text,
      })),
    };
  }

  /** Tells the database how keys are computed and written, within these limits. */
  async writeForms(limits: Pick<ProcessorLimits, 'maxKeys' | 'maxBytes'>): Promise<void> {
    const datatypes = [...new Set([...this.database.partitionKeys.values()].map(({ datatype }) => datatype))];
    const forms = keyForms(await this.#storage(), this.config.cache.postgresql, datatypes, limits);
    if (forms.length === 0)
      throw new StartError(
        `${this.jobs.pool.target}: the extension roaringbitmap (version 1.0 or later) is not there, so that the database cannot make key sets of ${this.config.cache.backend}`,
      );
    await this.processor.writeForms(forms);
  }

  /** Puts as many jobs on pg_cron's list as the settings say. */
  async schedule(cron: CronJobs): Promise<void> {
    const { maxJobs, frequencyS } = await this.processor.status();
    await cron.unschedule(this.jobNames);
    await cron.schedule(
      processorJobs({
        ...{ schema: this.schema, maxJobs, frequencyS },
        ...{ database: this.database.name, user: this.database.control.user },
        hasSeconds: cron.hasSeconds,
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.jobs[Symbol.asyncDispose]();
  }

  /** As proxies see it, which push with it: a role may be one that is not told. */
  async #identity(): Promise<string> {
    const { config, database } = this;
    await using pool = controlPool(
      database,
      loadUpstreamTls(config),
      { maxConnections: 1 },
      createLog(config.log),
    );
    return await readDatabaseIdentity(pool);
  }

  async #storage(): Promise<KeyStorage> {
    const { backend, bits } = this.config.cache;
    if (backend === 'postgresql_bit') return bitStorage(bitCapabilities(bits));
    if (backend !== 'postgresql_roaringbit') return arrayStorage;
    const [found] = await this.jobs.pool.query<{ nspname: string }>(cacheQuery('roaring-extension'));
    return roaringStorage(found?.nspname);
  }
}
