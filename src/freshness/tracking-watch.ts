import { pause } from '../postgres/deadline';
import type { ControlPool } from '../postgres/control-pool';
import type { Fragment } from '../query/fragment/fragment';
import {
  foreignTracking,
  type SourceStatus,
  type TrackedTable,
  Tracking,
  type TrackingStatus,
} from './tracking';
import { trackingQuery } from './tracking-schema';

export interface TrackingWatchOptions {
  /** Lent, not owned. */
  readonly pool: ControlPool;
  /** Where the change logs are. */
  readonly schema: string;
  /** The tables of all partition keys that are to be exact. */
  readonly tables: readonly TrackedTable[];
  /** Whether a table counts as tracked only where DDL is noticed in its own transaction. */
  readonly requiresDdlWatch: boolean;
  /** Changes that are kept in each log. */
  readonly maxChanges: number;
  /** Between looks, in milliseconds. */
  readonly checkMs: number;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** For each millisecond that a look takes at least so many without one. */
const restShare = 20;
/** Rows removed from each log by one statement, so that none takes long. */
const removedAtOnce = 10_000;

/**
 * Looks at regular intervals whether the changes of tables are tracked, lets the log say what DDL did where nobody else notices, and
 * keeps the log short. No answer depends on it: it is about what is worth learning.
 */
export class TrackingWatch implements AsyncDisposable {
  readonly #stopping = new AbortController();
  readonly #tracking: Tracking;
  /** By `schema.table`. */
  #problems: ReadonlyMap<string, string> | undefined;
  /** What was last in the way of looking. */
  #trouble: string | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(private readonly options: TrackingWatchOptions) {
    const { pool, schema } = options;
    this.#tracking = new Tracking({ pool, schema, lockTimeoutMs: 0, attempts: 1 });
  }

  start(): void {
    this.#work = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  /** Whether an entry of the fragment could be kept fresh, by the last look. */
  canKeepFresh({ tables, conjuncts }: Fragment): boolean {
    const known = this.#problems;
    if (known === undefined) return false;
    const names = [
      ...tables.map(({ schema, name }) => `${schema}.${name}`),
      ...conjuncts.flatMap(({ reads }) => reads ?? []),
    ];
    return names.every((name) => this.#isListed(name) && !known.has(name));
  }

  /** One look. Rejects as the pool's queries do. */
  async look(): Promise<void> {
    const status = await this.#tracking.status();
    this.#note(status);
    if (status?.isOwn !== true) return;
    if (!status.ddl.isWatching) await this.#ask('notice-changes');
    await this.#compact();
  }

  /** A method, since it changes while something is waited for. */
  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped()) {
      const startedAt = performance.now();
      try {
        await this.look();
        this.#trouble = undefined;
      } catch (error) {
        this.#tellOf(error);
      }
      // With thousands of partitions a look takes its time.
      const restMs = restShare * (performance.now() - startedAt);
      await pause(Math.max(this.options.checkMs, restMs), this.#stopping.signal);
    }
  }

  /** Once, as long as it is the same. */
  #tellOf(error: unknown): void {
    const trouble = String(error);
    if (trouble === this.#trouble || this.#isStopped()) return;
    this.#trouble = trouble;
    this.options.log.warn({ err: error }, 'it could not be looked whether changes are tracked');
  }

  #isListed(name: string): boolean {
    return this.options.tables.some(({ schema, table }) => `${schema}.${table}` === name);
  }

  /** Says what is different from the last time. */
  #note(status: TrackingStatus | undefined): void {
    const { log } = this.options;
    const before = this.#problems;
    const problems = this.#problemsIn(status);
    this.#problems = problems;
    for (const [table, problem] of problems) {
      if (before?.get(table) !== problem)
        log.warn({ table, problem }, 'nothing is learned about a table whose keys are to be exact');
    }
    for (const table of before?.keys() ?? [])
      if (!problems.has(table)) log.info({ table }, 'changes are tracked');
  }

  #problemsIn(status: TrackingStatus | undefined): ReadonlyMap<string, string> {
    const general = this.#generalProblem(status);
    const problems = new Map<string, string>();
    for (const table of this.options.tables) {
      const problem = general ?? problemOf(table, status?.sources ?? []);
      if (problem !== undefined) problems.set(`${table.schema}.${table.table}`, problem);
    }
    return problems;
  }

  #generalProblem(status: TrackingStatus | undefined): string | undefined {
    if (status === undefined) return `changes are not tracked in this database; ${install}`;
    if (!status.isOwn) return foreignTracking(this.options.schema);
    if (status.ddl.isWatching || !this.options.requiresDdlWatch) return undefined;
    return (
      `DDL is not watched, which takes a superuser: ${install} as one, or set freshness.require_ddl_watch to false ` +
      'and do no DDL on these tables while clients read'
    );
  }

  /**
   * Entries that have not seen what is removed can say nothing any more, in the same snapshot: however many proxies there are, and whatever
   * they keep, none has to be asked.
   */
  async #compact(): Promise<void> {
    const [found] = await this.#ask<{ horizon: string }>('horizon-of-newest', [this.options.maxChanges]);
    if (found === undefined || found.horizon === '0') return;
    for (;;) {
      const [row] = await this.#ask<{ removed: string }>('compact-log', [found.horizon, removedAtOnce]);
      if (this.#isStopped() || Number(row?.removed ?? 0) < removedAtOnce) return;
    }
  }

  #ask<Row extends Readonly<Record<string, unknown>>>(
    query: string,
    parameters: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    return this.options.pool.query<Row>(trackingQuery(query, this.options.schema), parameters);
  }
}

const install = 'run `pcache track install`';

function problemOf(
  { schema, table, keyColumn }: TrackedTable,
  sources: readonly SourceStatus[],
): string | undefined {
  const source = sources.find(
    (each) => each.tableNow === `${schema}.${table}` && each.keyColumn === keyColumn,
  );
  if (source === undefined) return `its changes are not tracked; ${install}`;
  const [problem] = [...source.problems, ...source.distrust];
  return problem === undefined ? undefined : `its changes may go unnoticed: ${problem}; ${install}`;
}
