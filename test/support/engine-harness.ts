import { Client, type QueryResult } from 'pg';
import { MemoryBackend } from '../../src/cache/backends/memory';
import { CatalogKeeper } from '../../src/engine/catalog-keeper';
import {
  DatabaseEngine,
  type DatabaseEngineOptions,
  type TrackedKey,
} from '../../src/engine/database-engine';
import { unheard } from '../../src/engine/engine-events';
import type { BoundParameters, Plan } from '../../src/engine/engine';
import type { SessionContext } from '../../src/engine/session-context';
import { ShapeChecker, type Shape } from '../../src/engine/shape-checker';
import { turnBudget } from '../../src/engine/turn-budget';
import type { FragmentOutcome } from '../../src/population/fragment-source';
import { PostgresqlSource } from '../../src/population/sources/postgresql';
import { readChangedKeys } from '../../src/population/sources/changes-since';
import { retryAt } from '../../src/population/retry-policy';
import { entryOfRun } from '../../src/population/run-entry';
import { openPool, type ControlPool } from '../../src/postgres/control-pool';
import { sqlFile } from '../../src/postgres/sql-files';
import { loadParser } from '../../src/query/ast/parser';
import type { Fragment } from '../../src/query/fragment/fragment';
import type { ConnectionOptions } from './postgres-server';

/** Rows of a result in an order of their own, so that two results are equal if they hold the same rows as often. */
export function multiset(result: QueryResult<unknown[]>): readonly string[] {
  return result.rows.map((row) => JSON.stringify(row)).sort();
}

/** Reasons that go away by themselves when the server has answered. */
const stillBeingAsked = new Set([
  'shape not checked yet',
  'parameter types not known yet',
  'no time to look into it yet',
]);

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** Tells whether the server is being asked. */
class WatchedShapeChecker extends ShapeChecker {
  readonly #pending = new Set<Promise<Shape>>();

  constructor(
    pool: ControlPool,
    private readonly checker: ShapeChecker,
  ) {
    super(pool);
  }

  override async check(...question: Parameters<ShapeChecker['check']>): Promise<Shape> {
    const answer = this.checker.check(...question);
    this.#pending.add(answer);
    try {
      return await answer;
    } finally {
      this.#pending.delete(answer);
    }
  }

  /** Resolves when nothing is being asked. Without looking again and again: that would take the processor from the server. */
  async answered(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }
}

/** What a harness asks of the server in another way than the program does. */
export interface HarnessWays {
  /** Runs fragments together; undefined: they are to be run one by one. */
  readonly runFragments: (fragments: readonly Fragment[]) => Promise<readonly FragmentOutcome[] | undefined>;
  readonly shapeChecker: (pool: ControlPool) => ShapeChecker;
}

const programsWays: HarnessWays = {
  runFragments: () => Promise.resolve(undefined),
  shapeChecker: (pool) => new ShapeChecker(pool),
};

/**
 * An engine on a real database, without the proxy: a session of `pg` whose statements can be planned, learned from and run
 * in both forms. What the observer does in the background is done here by hand, so that a test knows what is cached.
 */
export class EngineHarness implements AsyncDisposable {
  private constructor(
    readonly engine: DatabaseEngine,
    /** The client's session. */
    readonly client: Client,
    private readonly pool: ControlPool,
    private readonly catalog: CatalogKeeper,
    readonly backend: MemoryBackend,
    private readonly learned: Fragment[],
    private readonly shapes: WatchedShapeChecker,
    private readonly ways: HarnessWays,
    private readonly source: PostgresqlSource,
  ) {}

  static async open(
    connection: ConnectionOptions,
    partitionKeys: readonly TrackedKey[],
    options: Partial<Pick<DatabaseEngineOptions, 'mode' | 'log'>> = {},
    ways = programsWays,
  ): Promise<EngineHarness> {
    await loadParser();
    const pool = openPool(connection);
    const backend = new MemoryBackend({
      warn: (message) => {
        throw new Error(message);
      },
    });
    const schema = partitionKeys.find(({ changeLog }) => changeLog !== undefined)?.changeLog;
    // A test looks for itself whether the catalog has changed.
    const changes = schema === undefined ? undefined : { schema, checkMs: 3_600_000 };
    const catalog = new CatalogKeeper(pool, partitionKeys, options.log ?? silent, changes);
    const learned: Fragment[] = [];
    const shapes = new WatchedShapeChecker(pool, ways.shapeChecker(pool));
    const engine = await DatabaseEngine.open({
      mode: 'on',
      log: silent,
      partitionKeys,
      backend,
      catalog,
      shapes,
      contextQuery: sqlFile('session-context').text,
      minQueryMs: 0,
      fetchMs: 10_000,
      memoryBytes: 64 * 1024 * 1024,
      learn: (fragments) => learned.push(...fragments),
      retryAt,
      changedKeys: (keys) => readChangedKeys(pool, keys),
      events: unheard,
      ...options,
    });
    const client = new Client(connection);
    await client.connect();
    const source = new PostgresqlSource({
      pool,
      timeoutMs: 60_000,
      maxKeys: 1_000_000,
      changeLogOf: (name) => partitionKeys.find((key) => key.name === name)?.changeLog,
    });
    const harness = new EngineHarness(engine, client, pool, catalog, backend, learned, shapes, ways, source);
    await catalog.settled();
    await engine.loaded;
    return harness;
  }

  /** Asks the session for its context, as the proxy would. */
  async context(): Promise<SessionContext> {
    const result = await this.client.query<(string | null)[]>({
      text: this.engine.contextQuery,
      values: [null],
      rowMode: 'array',
    });
    return this.engine.readContext(result.rows[0] ?? []).context;
  }

  /** Reads the catalog again, as the proxy does after DDL. */
  async refreshCatalog(): Promise<void> {
    this.engine.catalogChanged();
    await this.catalog.settled();
  }

  /**
   * Learns all fragments of a statement; resolves to them. One that fails throws, or is noted as failed where that is
   * expected.
   */
  async learn(
    text: string,
    parameters?: BoundParameters,
    onFailure: 'throw' | 'note' = 'throw',
    knownContext?: SessionContext,
  ): Promise<readonly Fragment[]> {
    const context = knownContext ?? (await this.context());
    const statement = this.engine.inspect(text);
    const completion = {
      statement,
      plan: { kind: 'forward', reason: 'miss' },
      elapsedMs: 1_000,
      isTimed: true,
      outcome: 'complete',
      context,
      isContextCertain: true,
      ...(parameters === undefined ? {} : { parameters }),
    } as const;
    await turnBudget.turn();
    this.engine.completed(completion);
    await this.parametersDescribed();
    const fragments = [
      ...new Map(this.learned.splice(0).map((fragment) => [fragment.hash, fragment])).values(),
    ];
    const together = await this.ways.runFragments(fragments);
    for (const [i, fragment] of fragments.entries()) {
      const outcome = together?.[i] ?? (await this.source.run(fragment, new AbortController().signal));
      const isSettled =
        outcome.status !== 'unavailable' && outcome.status !== 'aborted' && outcome.status !== 'stored';
      if (!isSettled || (onFailure === 'throw' && outcome.status !== 'ok'))
        throw new Error(`fragment failed: ${JSON.stringify(outcome)}: ${fragment.sql}`);
      await this.backend.put(
        entryOfRun(fragment, outcome, { failuresBefore: 0, computeMs: 1, now: Date.now() }),
      );
    }
    return fragments;
  }

  /** As if nothing had ever been learned. */
  async forget(partitionKey: TrackedKey): Promise<void> {
    await this.backend.dropPartitionKey(partitionKey.name);
    await this.backend.registerPartitionKey(partitionKey.name, partitionKey.datatype);
  }

  /** Plans a statement with a certain context, as outside a transaction block, when all is known that is asked for. */
  async plan(text: string, parameters?: BoundParameters, canRetry = true, canGuard = false): Promise<Plan> {
    const context = await this.context();
    const deadline = Date.now() + 5_000;
    for (;;) {
      const plan = await this.engine.plan({
        statement: this.engine.inspect(text),
        context,
        isContextCertain: true,
        canRetry,
        canGuard,
        ...(parameters === undefined ? {} : { parameters }),
      });
      const isBeingAsked = plan.kind === 'forward' && stillBeingAsked.has(plan.reason);
      if (!isBeingAsked || Date.now() > deadline) return plan;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Runs a text in the client's session; rows as arrays. */
  run(text: string): Promise<QueryResult<unknown[]>> {
    return this.client.query<unknown[]>({ text, rowMode: 'array' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
    await this.engine[Symbol.asyncDispose]();
    await this.pool[Symbol.asyncDispose]();
    await this.backend[Symbol.asyncDispose]();
  }

  /** Resolves when the server has answered all that the engine has asked of it about statements. */
  answered(): Promise<void> {
    return this.shapes.answered();
  }

  /** The first completion asks the server for the parameters' types; what was learned follows when it has answered. */
  private async parametersDescribed(): Promise<void> {
    await this.answered();
    await turnBudget.turn();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
