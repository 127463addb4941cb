import { join } from 'node:path';
import { ControlQueryError } from '../../errors/control-query-error';
import { StartError } from '../../errors/start-error';
import type { ControlClient, ControlRow } from '../../postgres/control-client';
import type { ControlPool } from '../../postgres/control-pool';
import { migrate, type MigrationSet } from '../../postgres/migrations';
import { type SqlFile, sqlFileIn, withNames } from '../../postgres/sql-files';
import type {
  FragmentForm,
  ProcessorChange,
  ProcessorKey,
  ProcessorLogLine,
  ProcessorPlace,
  ProcessorRuns,
  ProcessorStatus,
  ProcessorWorker,
  WaitingFragment,
} from './processor-records';

/** `sql/processor`, seen from here and from dist alike. */
export const processorSqlDirectory = join(__dirname, '..', '..', '..', 'sql', 'processor');
export const processorMigrationsDirectory = join(processorSqlDirectory, 'migrations');
export const processorQueriesDirectory = join(processorSqlDirectory, 'queries');

/** Where the tables are: all in one schema, those of the queue and of the cache each with a prefix of their own. */
export interface ProcessorSchema {
  readonly schema: string;
  readonly tablePrefix: string;
  readonly cachePrefix: string;
}

/** No such schema, table or function. */
const isMissing = /^(3F000|42P01|42883)$/;
/** Beyond a fragment's time, for what is around it. */
const graceMs = 30_000;

/** Fragments that the database itself runs: sql/processor, called by pg_cron. Everything rejects with StartError where it is not set up. */
export class DatabaseProcessor {
  constructor(
    /** Lent, not owned. */
    private readonly pool: ControlPool,
    private readonly schema: ProcessorSchema,
  ) {}

  get migrations(): MigrationSet {
    const { schema, tablePrefix, cachePrefix } = this.schema;
    return {
      directory: processorMigrationsDirectory,
      schema,
      table: `${tablePrefix}processor_migration`,
      names: { prefix: tablePrefix, cache: cachePrefix },
    };
  }

  /** Rejects with StartError that names the command, if the tables of queue or cache are not in this database, or may not be used. */
  async checkTables(quoted: { readonly queue: string; readonly cache: string }): Promise<void> {
    const [row] = await this.ask<Record<'queue' | 'cache' | 'may_take' | 'may_write', boolean>>('has-queue', [
      quoted.queue,
      quoted.cache,
    ]);
    const { target } = this.pool;
    if (row?.cache !== true)
      throw new StartError(
        `${target}: the tables of the cache are not there; run: pcache manage setup cache`,
      );
    if (!row.queue)
      throw new StartError(
        `${target}: the tables of the queue are not there; run: pcache manage setup queue`,
      );
    if (!row.may_take || !row.may_write)
      throw new StartError(
        `${target}: the role may not use the tables of cache and queue; run what pcache manage grants --control ROLE prints`,
      );
  }

  /** Makes tables and functions, and gives the role of the jobs what it needs of them. */
  async migrate(control: string): Promise<void> {
    await migrate(this.pool, this.migrations);
    await this.pool.withClient((client) => client.runScript(this.script('grants', { control })));
  }

  /** Resolves to whether it was not set up before; limits that were changed since then stay as they are. */
  async write(place: ProcessorPlace): Promise<boolean> {
    const { limits, settings, statements, keys } = place;
    const [row] = await this.query<{ is_new: boolean }>('write-config', [
      ...[place.source, place.backend, place.cacheChannel, place.queueChannel],
      ...[limits.maxJobs, limits.frequencyS, limits.timeoutS, limits.maxKeys, limits.maxBytes],
      ...[
        JSON.stringify(settings),
        limits.maxAttempts,
        limits.maxDead,
        limits.logDays,
        place.cronDatabase,
        limits.duty,
      ],
    ]);
    await this.writeKeys(keys);
    await this.query('write-statements', [Object.keys(statements), Object.values(statements)]);
    return row?.is_new === true;
  }

  async writeForms(forms: readonly FragmentForm[]): Promise<void> {
    await this.query('write-forms', [
      forms.map(({ datatype }) => datatype),
      forms.map(({ typeOid }) => typeOid),
      forms.map(({ before }) => before),
      forms.map(({ after }) => after),
      forms.map(({ populate }) => populate),
    ]);
  }

  async change(change: ProcessorChange): Promise<void> {
    await this.query('change-config', [
      change.isEnabled ?? null,
      change.maxJobs ?? null,
      change.frequencyS ?? null,
      change.timeoutS ?? null,
      change.maxKeys ?? null,
      change.logDays ?? null,
      change.cronDatabase ?? null,
    ]);
  }

  async status(): Promise<ProcessorStatus> {
    const status = await this.find();
    if (status === undefined) throw this.notSetUp();
    return status;
  }

  /** undefined if it is not set up. */
  async find(): Promise<ProcessorStatus | undefined> {
    type Row = Record<'source' | 'backend' | 'cron_database' | 'max_keys', string> &
      Record<'max_jobs' | 'frequency_s' | 'timeout_s' | 'log_days', number> & { is_enabled: boolean };
    const [row] = await this.ask<Row>('read-config', []).catch((error: unknown) => {
      if (isNotThere(error)) return [];
      throw error;
    });
    if (row === undefined) return undefined;
    return {
      isEnabled: row.is_enabled,
      source: row.source,
      backend: row.backend,
      maxJobs: row.max_jobs,
      frequencyS: row.frequency_s,
      timeoutS: row.timeout_s,
      maxKeys: Number(row.max_keys),
      logDays: row.log_days,
      cronDatabase: row.cron_database,
    };
  }

  async workers(): Promise<readonly ProcessorWorker[]> {
    type Row = { slot: number; pid: number; done: string; entered_at: Date; is_alive: boolean } & Record<
      'partition_key' | 'hash',
      string | null
    > & { attempts: number | null; seconds: number | null };
    const rows = await this.query<Row>('list-workers', []);
    return rows.map(({ slot, pid, done, entered_at, is_alive, partition_key, hash, attempts, seconds }) => ({
      ...{ slot, pid, done: Number(done), enteredAt: entered_at, isAlive: is_alive },
      running:
        partition_key === null || hash === null
          ? undefined
          : { partitionKey: partition_key, hash, attempt: attempts ?? 1, seconds: seconds ?? 0 },
    }));
  }

  async log(limit: number, status?: string): Promise<readonly ProcessorLogLine[]> {
    return (await this.query<LogRow>('read-log', [limit, status ?? null])).map(lineOf);
  }

  async runs(hours: number): Promise<readonly ProcessorRuns[]> {
    type Row = { partition_key: string | null; status: string } & Record<
      'runs' | 'average_ms' | 'longest_ms' | 'keys',
      string | null
    >;
    const rows = await this.query<Row>('sum-log', [hours]);
    return rows.map((row) => ({
      partitionKey: row.partition_key ?? '',
      status: row.status,
      runs: Number(row.runs),
      averageMs: Number(row.average_ms ?? 0),
      longestMs: Number(row.longest_ms ?? 0),
      keys: Number(row.keys ?? 0),
    }));
  }

  async next(source: string, limit: number): Promise<readonly WaitingFragment[]> {
    type Row = { partition_key: string; priority: number; attempts: number; created_at: Date; query: string };
    const rows = await this.query<Row>('next-fragments', [source, limit]);
    return rows.map(({ partition_key, priority, attempts, created_at, query }) => ({
      ...{ partitionKey: partition_key, priority, attempts, queuedAt: created_at, query },
    }));
  }

  /** Runs up to `most` fragments here and now, in one session, and yields how each went; ends when there are no more. */
  async *runHere(most: number, timeoutS: number): AsyncGenerator<ProcessorLogLine> {
    for (let done = 0; done < most;) {
      const lines = await this.guard(() =>
        this.pool.withClient((client) => this.runOne(client, timeoutS * 1_000 + graceMs)),
      );
      yield* lines;
      if (!lines.some(({ status }) => !isLeftOut.test(status))) return;
      done += 1;
    }
  }

  private async runOne(client: ControlClient, timeoutMs: number): Promise<readonly ProcessorLogLine[]> {
    const [newest] = await client.query<{ id: string }>(this.file('newest-line'));
    await client.query(this.file('process-one'), [], { timeoutMs });
    return (await client.query<LogRow>(this.file('last-line'), [newest?.id ?? '0'])).map(lineOf);
  }

  async drop(): Promise<void> {
    await this.pool.withClient((client) => client.runScript(this.script('drop')));
  }

  private async writeKeys(keys: readonly ProcessorKey[]): Promise<void> {
    await this.query('write-keys', [
      keys.map(({ name }) => name),
      keys.map(({ datatype }) => datatype),
      keys.map(({ stamp }) => stamp ?? null),
    ]);
  }

  private query<Row extends ControlRow>(
    name: string,
    parameters: readonly unknown[],
  ): Promise<readonly Row[]> {
    return this.guard(() => this.ask<Row>(name, parameters));
  }

  private async guard<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw isNotThere(error) ? this.notSetUp() : error;
    }
  }

  private ask<Row extends ControlRow>(name: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    return this.pool.query<Row>(this.file(name), parameters);
  }

  private file(name: string): SqlFile {
    return this.named(sqlFileIn(processorQueriesDirectory, name));
  }

  private script(name: string, others: Readonly<Record<string, string>> = {}): SqlFile {
    return this.named(sqlFileIn(processorSqlDirectory, name), others);
  }

  private named(file: SqlFile, others: Readonly<Record<string, string>> = {}): SqlFile {
    const { schema, tablePrefix: prefix, cachePrefix: cache } = this.schema;
    return withNames(file, { schema, prefix, cache, ...others });
  }

  private notSetUp(): StartError {
    return new StartError(`${this.pool.target}: the processor is not set up; run: pcache processor setup`);
  }
}

/** Of what took no run. */
const isLeftOut = /^(known|failed before|buried|lost)$/;

type LogRow = { at: Date; slot: number; status: string } & Record<
  'partition_key' | 'hash' | 'message' | 'key_count',
  string | null
> & { ms: number | null };

function lineOf({ at, slot, partition_key, hash, status, key_count, ms, message }: LogRow): ProcessorLogLine {
  return {
    ...{ at, slot, status },
    partitionKey: partition_key ?? undefined,
    hash: hash ?? undefined,
    keyCount: key_count === null ? undefined : Number(key_count),
    ms: ms ?? undefined,
    message: message ?? undefined,
  };
}

function isNotThere(error: unknown): boolean {
  return error instanceof ControlQueryError && isMissing.test(error.sqlState);
}
