import { join } from 'node:path';
import { ControlQueryError } from '../../../errors/control-query-error';
import { StartError } from '../../../errors/start-error';
import type { ControlRow } from '../../../postgres/control-client';
import type { ControlPool } from '../../../postgres/control-pool';
import { checkMigrations, migrate, type MigrationSet } from '../../../postgres/migrations';
import { sqlFileIn } from '../../../postgres/sql-files';
import { quoteIdentifier, quoteLiteral } from '../../../query/ast/quote';
import type { EvictionLimits, EvictionStrategy } from '../../eviction/eviction-policy';
import { cacheMigrations, changeChannel, type CacheSchema, forCache } from './cache-schema';

/** `sql/eviction`, seen from here and from dist alike. */
export const evictionSqlDirectory = join(__dirname, '..', '..', '..', '..', 'sql', 'eviction');
export const evictionMigrationsDirectory = join(evictionSqlDirectory, 'migrations');
export const evictionQueriesDirectory = join(evictionSqlDirectory, 'queries');

/** How eviction in a database is set up. */
export interface EvictionSettings {
  readonly limits: EvictionLimits;
  readonly logDays: number;
  /** As pg_cron has it. */
  readonly schedule: string;
  /** Where its job is kept. */
  readonly cronDatabase: string;
}

export interface DatabaseEvictionStatus extends EvictionSettings {
  readonly isEnabled: boolean;
}

export type EvictionChange = Partial<Omit<EvictionSettings, 'limits'>> & {
  readonly limits?: Partial<EvictionLimits>;
  readonly isEnabled?: boolean;
};

/** What an entry goes for, before it does. */
export interface DatabaseChoice {
  readonly partitionKey: string;
  readonly hash: string;
  readonly reason: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly lastUse: number;
}

/** A run, as the log has it. */
export interface EvictionLogLine {
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly strategy: EvictionStrategy;
  readonly entries: number;
  readonly bytes: number;
  readonly evicted: number;
  readonly evictedBytes: number;
  readonly byAge: number;
  readonly byPartitionKey: number;
  readonly byTotal: number;
}

/** No such schema, table or function. */
const isMissing = /^(3F000|42P01|42883)$/;
const dayMs = 24 * 60 * 60 * 1_000;

function evictionMigrations({ schema, tablePrefix }: CacheSchema): MigrationSet {
  return {
    directory: evictionMigrationsDirectory,
    schema,
    table: `${tablePrefix}eviction_migration`,
    names: { prefix: tablePrefix },
  };
}

/** Entries of a backend that the database itself keeps within limits: sql/eviction, run by pg_cron. */
export class DatabaseEviction {
  constructor(
    /** Lent, not owned. */
    private readonly pool: ControlPool,
    private readonly schema: CacheSchema,
    /** Name of the backend. */
    private readonly backend: string,
  ) {}

  /** What a job is to run. */
  get command(): string {
    const { schema, tablePrefix } = this.schema;
    const evict = `${quoteIdentifier(schema)}.${quoteIdentifier(`${tablePrefix}evict`)}`;
    return `select ${evict}(${quoteLiteral(this.backend)}, true)`;
  }

  /** Of that job: like no other on the server. */
  jobName(database: string): string {
    const { schema, tablePrefix } = this.schema;
    return `pcache eviction ${JSON.stringify([database, schema, tablePrefix, this.backend])}`;
  }

  /** Makes tables and functions beside those of the cache, which have to be there, and puts the settings in force unless there are some. Resolves to whether there were none. */
  async setUp(
    { limits, logDays, schedule, cronDatabase }: EvictionSettings,
    control: string,
  ): Promise<boolean> {
    await checkMigrations(this.pool, cacheMigrations(this.schema));
    await migrate(this.pool, evictionMigrations(this.schema));
    await this.pool.withClient((client) =>
      client.runScript(forCache(sqlFileIn(evictionSqlDirectory, 'grants'), this.schema, { control })),
    );
    const added = await this.query('add-config', [
      changeChannel(this.schema, this.backend),
      limits.strategy,
      ...Object.values(rowOfLimits(limits)),
      ...[logDays, schedule, cronDatabase],
    ]);
    return added.length > 0;
  }

  async change({ limits = {}, logDays, schedule, cronDatabase, isEnabled }: EvictionChange): Promise<void> {
    const { strategy, ...others } = limits;
    const named = Object.fromEntries(
      Object.entries(rowOfLimits(others)).filter(([name]) => name in names(others)),
    );
    const changed = await this.query('change-config', [
      strategy ?? null,
      JSON.stringify(named),
      ...[logDays ?? null, schedule ?? null, cronDatabase ?? null, isEnabled ?? null],
    ]);
    if (changed.length === 0) throw this.notSetUp();
  }

  /** Rejects with StartError if it is not set up. */
  async status(): Promise<DatabaseEvictionStatus> {
    const status = await this.find();
    if (status === undefined) throw this.notSetUp();
    return status;
  }

  /** undefined if it is not set up. */
  async find(): Promise<DatabaseEvictionStatus | undefined> {
    type Row = Record<
      'max_entries' | 'max_bytes' | 'max_entries_per_key' | 'max_bytes_per_key',
      string | null
    > & {
      is_enabled: boolean;
      strategy: EvictionStrategy;
      max_age_days: number | null;
      log_days: number;
      schedule: string;
      cron_database: string;
    };
    const [row] = await this.ask<Row>('read-config', []).catch((error: unknown) => {
      if (isNotThere(error)) return [];
      throw error;
    });
    if (row === undefined) return undefined;
    const limit = (value: string | null): number | undefined => (value === null ? undefined : Number(value));
    return {
      isEnabled: row.is_enabled,
      limits: {
        strategy: row.strategy,
        maxAgeMs: row.max_age_days === null ? undefined : row.max_age_days * dayMs,
        maxEntries: limit(row.max_entries),
        maxBytes: limit(row.max_bytes),
        maxEntriesPerKey: limit(row.max_entries_per_key),
        maxBytesPerKey: limit(row.max_bytes_per_key),
      },
      logDays: row.log_days,
      schedule: row.schedule,
      cronDatabase: row.cron_database,
    };
  }

  /** Resolves to how many entries went; undefined if another run is under way. */
  async run(): Promise<number | undefined> {
    const [row] = await this.query<{ evicted: string | null }>('run', []);
    const evicted = row?.evicted ?? undefined;
    return evicted === undefined ? undefined : Number(evicted);
  }

  async choice(): Promise<readonly DatabaseChoice[]> {
    type Row = { partition_key: string; hash: string; reason: string; bytes: string; last_use: number };
    const rows = await this.query<Row>('choice', []);
    return rows.map(({ partition_key, hash, reason, bytes, last_use }) => ({
      ...{ partitionKey: partition_key, hash, reason },
      bytes: Number(bytes),
      lastUse: last_use,
    }));
  }

  async totals(): Promise<readonly { partitionKey: string; entries: number; bytes: number }[]> {
    const rows = await this.query<{ partition_key: string; entries: string; bytes: string }>('totals', []);
    return rows.map(({ partition_key, entries, bytes }) => ({
      partitionKey: partition_key,
      entries: Number(entries),
      bytes: Number(bytes),
    }));
  }

  async log(limit: number): Promise<readonly EvictionLogLine[]> {
    type Row = Record<
      'entries' | 'bytes' | 'evicted' | 'evicted_bytes' | 'by_age' | 'by_partition_key' | 'by_total',
      string
    > & { started_at: Date; finished_at: Date; strategy: EvictionStrategy };
    const rows = await this.query<Row>('read-log', [limit]);
    return rows.map((row) => ({
      startedAt: row.started_at,
      finishedAt: row.finished_at,
      strategy: row.strategy,
      entries: Number(row.entries),
      bytes: Number(row.bytes),
      evicted: Number(row.evicted),
      evictedBytes: Number(row.evicted_bytes),
      byAge: Number(row.by_age),
      byPartitionKey: Number(row.by_partition_key),
      byTotal: Number(row.by_total),
    }));
  }

  /** Removes all that setting up has made, for all backends; entries stay. */
  async drop(): Promise<void> {
    await this.pool.withClient((client) =>
      client.runScript(forCache(sqlFileIn(evictionSqlDirectory, 'drop'), this.schema)),
    );
  }

  private async query<Row extends ControlRow>(
    name: string,
    parameters: readonly unknown[],
  ): Promise<readonly Row[]> {
    try {
      return await this.ask<Row>(name, parameters);
    } catch (error) {
      throw isNotThere(error) ? this.notSetUp() : error;
    }
  }

  private ask<Row extends ControlRow>(name: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const file = forCache(sqlFileIn(evictionQueriesDirectory, name), this.schema);
    return this.pool.query<Row>(file, [this.backend, ...parameters]);
  }

  private notSetUp(): StartError {
    return new StartError(
      `${this.pool.target}: eviction of ${this.backend} is not set up; run: pcache eviction setup`,
    );
  }
}

function isNotThere(error: unknown): boolean {
  return error instanceof ControlQueryError && isMissing.test(error.sqlState);
}

type NumericLimits = Partial<Omit<EvictionLimits, 'strategy'>>;

/** In the order of the table. */
function rowOfLimits(limits: NumericLimits) {
  return {
    max_age_days: limits.maxAgeMs === undefined ? null : limits.maxAgeMs / dayMs,
    max_entries: limits.maxEntries ?? null,
    max_bytes: limits.maxBytes ?? null,
    max_entries_per_key: limits.maxEntriesPerKey ?? null,
    max_bytes_per_key: limits.maxBytesPerKey ?? null,
  };
}

/** The columns of the limits that are mentioned, be it that there is none. */
function names(limits: NumericLimits): Readonly<Record<string, true>> {
  const columns = {
    maxAgeMs: 'max_age_days',
    maxEntries: 'max_entries',
    maxBytes: 'max_bytes',
    maxEntriesPerKey: 'max_entries_per_key',
    maxBytesPerKey: 'max_bytes_per_key',
  } as const;
  return Object.fromEntries(
    Object.entries(columns)
      .filter(([name]) => name in limits)
      .map(([, column]) => [column, true]),
  );
}
