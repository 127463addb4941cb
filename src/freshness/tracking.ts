import { setTimeout as delay } from 'node:timers/promises';
import { ControlQueryError } from '../errors/control-query-error';
import { StartError } from '../errors/start-error';
import type { ControlClient } from '../postgres/control-client';
import type { ControlPool } from '../postgres/control-pool';
import { type AppliedRow, pendingOf } from '../postgres/migrations';
import { trackingMigrations, trackingQuery, trackingScript } from './tracking-schema';

/** A table to track for a key column. */
export interface TrackedTable {
  readonly schema: string;
  readonly table: string;
  readonly keyColumn: string;
}

export interface TrackingOptions {
  /** Owns the schema, and the tracked tables; lent. */
  readonly pool: ControlPool;
  /** Where change logs and functions are. */
  readonly schema: string;
  /** How long a statement waits for a lock, while others wait behind it. */
  readonly lockTimeoutMs: number;
  /** How often a transaction that did not get its locks is tried in all. */
  readonly attempts: number;
}

/** Whether DDL is noticed in its own transaction; and if not, whether this role could see to it. */
export interface DdlWatch {
  readonly isWatching: boolean;
  readonly mayWatch: boolean;
}

/** One table that is tracked for one key, as it is now. */
export interface SourceStatus {
  readonly id: number;
  readonly schema: string;
  readonly table: string;
  readonly keyColumn: string | undefined;
  /** Where the table is now, `schema.table`; undefined if it is gone. */
  readonly tableNow: string | undefined;
  /** The table, what is below and what is above it. */
  readonly relations: number;
  /** The first few things that are wrong, as sentences; none: every change is noticed. */
  readonly problems: readonly string[];
  /** Why no entry may rely on it until it is installed again. */
  readonly distrust: readonly string[];
  /** Triggers, columns or children are not what they were when somebody looked last. */
  readonly isChanged: boolean;
}

export interface TrackingStatus {
  /** False: it came here with a dump or a template, and nothing in it holds. */
  readonly isOwn: boolean;
  readonly ddl: DdlWatch;
  readonly sources: readonly SourceStatus[];
}

/** What came of one table: undefined, or why it is not tracked. */
export interface TrackOutcome extends TrackedTable {
  readonly reason: string | undefined;
}

/** A lock was not to be had in time; or two wanted what the other had. */
const isWorthAnotherAttempt = /^(55P03|40P01)$/;
/** No right to, or a table that has open cursors or pending events: the table's own trouble. */
const isOfTheTable = /^(42501|55006|55P03|40P01|42P17|42809|53200)$/;
/** SQLSTATEs of a schema, or a table in it, that is not there. */
const isMissing = /^(3F000|42P01)$/;

/** The rows of sql/freshness/queries/list-sources.sql. */
type SourceRow = {
  readonly id: number;
  readonly schema_name: string;
  readonly table_name: string;
  readonly key_column: string | null;
  readonly schema_now: string | null;
  readonly table_now: string | null;
  readonly relations: number;
  readonly problems: readonly string[];
  readonly problem_count: number;
  readonly distrust: readonly string[];
  readonly is_changed: boolean;
};

/** Change tracking in one database: what `pcache track` does. Each table is a transaction of its own; so is what they share. */
export class Tracking {
  constructor(private readonly options: TrackingOptions) {}

  /**
   * Sets up the schema, has DDL watched if this role may, and tracks the tables; again does nothing. Resolves to what came of each.
   * Rejects with NewerSchemaError, and with ControlQueryError if the schema itself cannot be made.
   */
  async install(tables: readonly TrackedTable[]): Promise<readonly TrackOutcome[]> {
    await this.#inTransaction((client) => this.#setUp(client));
    const outcomes: TrackOutcome[] = [];
    for (const table of tables) outcomes.push({ ...table, reason: await this.#track(table) });
    return outcomes;
  }

  /** Undefined if nothing is set up. */
  async status(): Promise<TrackingStatus | undefined> {
    const { schema } = this.options;
    return this.options.pool.withClient(async (client) => {
      if (!(await this.#isSetUp(client))) return undefined;
      const [tracking] = await client.query<{ is_own: boolean }>(trackingQuery('read-tracking', schema));
      const rows = await client.query<SourceRow>(trackingQuery('list-sources', schema));
      const ddl = await this.#ddlWatch(client);
      return { isOwn: tracking?.is_own === true, ddl, sources: rows.map(sourceStatus) };
    });
  }

  /**
   * Drops the triggers of those sources, all of them by default; with the last one the watching of DDL ends. The schema stays, for statements of
   * proxies may still ask it, and say there that nothing is known.
   */
  async remove(isMeant: (source: SourceStatus) => boolean = () => true): Promise<readonly SourceStatus[]> {
    const before = await this.status();
    if (before === undefined) return [];
    const { schema } = this.options;
    const removed: SourceStatus[] = [];
    for (const source of before.sources.filter(isMeant)) {
      await this.#inTransaction(async (client) => {
        await client.query(trackingQuery('untrack-source', schema), [source.id]);
      });
      removed.push(source);
    }
    const { isWatching, mayWatch } = before.ddl;
    if (removed.length === before.sources.length && isWatching && mayWatch)
      await this.#inTransaction((client) => client.runScript(trackingScript('drop-event-triggers', schema)));
    return removed;
  }

  async #setUp(client: ControlClient): Promise<void> {
    const { schema } = this.options;
    await client.runScript(trackingScript('bookkeeping', schema));
    const isFromElsewhere = await this.#isFromElsewhere(client);
    if (isFromElsewhere) throw new StartError(foreignTracking(schema));
    const applied = await this.#applied(client);
    for (const { number, file, isBreaking } of pendingOf(applied, trackingMigrations(schema))) {
      await client.query(trackingQuery('note-migration', schema), [number, file.name, isBreaking]);
      await client.runScript(file);
    }
    const { isWatching, mayWatch } = await this.#ddlWatch(client);
    if (isWatching || !mayWatch) return;
    await client.runScript(trackingScript('drop-event-triggers', schema));
    await client.runScript(trackingScript('install-event-triggers', schema));
    // What DDL did while nobody was looking.
    await client.query(trackingQuery('notice-changes', schema));
  }

  async #track({ schema, table, keyColumn }: TrackedTable): Promise<string | undefined> {
    try {
      return await this.#inTransaction(async (client) => {
        const query = trackingQuery('track-table', this.options.schema);
        const [row] = await client.query<{ reason: string | null }>(query, [schema, table, keyColumn]);
        return row?.reason ?? undefined;
      });
    } catch (error) {
      if (error instanceof ControlQueryError && isOfTheTable.test(error.sqlState)) return error.serverMessage;
      throw error;
    }
  }

  async #inTransaction<T>(work: (client: ControlClient) => Promise<T>): Promise<T> {
    const { pool, schema, lockTimeoutMs, attempts } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await pool.withClient(async (client) => {
          await client.execute('tracking', 'begin');
          try {
            await client.query(trackingQuery('lock-tracking', schema), [schema]);
            await client.query(trackingQuery('limit-lock-wait', schema), [`${lockTimeoutMs}ms`]);
            const result = await work(client);
            await client.execute('tracking', 'commit');
            return result;
          } catch (error) {
            // If the connection is gone, so is the transaction, and the first error is the one to tell.
            await client.execute('tracking', 'rollback').catch(() => undefined);
            throw error;
          }
        });
      } catch (error) {
        const mayTryAgain = error instanceof ControlQueryError && isWorthAnotherAttempt.test(error.sqlState);
        if (!mayTryAgain || attempt >= attempts) throw error;
        // Those who waited behind us get their turn.
        await delay(lockTimeoutMs);
      }
    }
  }

  async #ddlWatch(client: ControlClient): Promise<DdlWatch> {
    const { schema } = this.options;
    const query = trackingQuery('read-event-triggers', schema);
    const [row] = await client.query<{ is_watching: boolean; may_watch: boolean }>(query, [schema]);
    return { isWatching: row?.is_watching === true, mayWatch: row?.may_watch === true };
  }

  async #isSetUp(client: ControlClient): Promise<boolean> {
    try {
      const applied = await this.#applied(client);
      return pendingOf(applied, trackingMigrations(this.options.schema)).length === 0;
    } catch (error) {
      if (error instanceof ControlQueryError && isMissing.test(error.sqlState)) return false;
      throw error;
    }
  }

  async #isFromElsewhere(client: ControlClient): Promise<boolean> {
    if ((await this.#applied(client)).length === 0) return false;
    const query = trackingQuery('read-tracking', this.options.schema);
    const [row] = await client.query<{ is_own: boolean }>(query);
    return row?.is_own !== true;
  }

  #applied(client: ControlClient): Promise<readonly AppliedRow[]> {
    return client.query<AppliedRow>(trackingQuery('read-migrations', this.options.schema));
  }
}

/** What to do about tracking that came with a dump. */
export function foreignTracking(schema: string): string {
  return (
    `the change tracking in the schema ${JSON.stringify(schema)} came here with a dump or a template database; ` +
    'drop that schema and install again'
  );
}

function sourceStatus(row: SourceRow): SourceStatus {
  const more = row.problem_count - row.problems.length;
  const problems = more > 0 ? [...row.problems, `${more} more like these`] : row.problems;
  const tableNow = row.table_now === null ? undefined : `${row.schema_now ?? ''}.${row.table_now}`;
  return {
    id: row.id,
    schema: row.schema_name,
    table: row.table_name,
    keyColumn: row.key_column ?? undefined,
    tableNow,
    relations: row.relations,
    problems,
    distrust: row.distrust,
    isChanged: row.is_changed,
  };
}
