import { MemoryBackend } from '../../src/cache/backends/memory';
import type { CacheEntry } from '../../src/cache/cache-backend';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import { CatalogKeeper } from '../../src/engine/catalog-keeper';
import { DatabaseEngine, type TrackedKey } from '../../src/engine/database-engine';
import { unheard } from '../../src/engine/engine-events';
import type { Plan } from '../../src/engine/engine';
import type { SessionContext } from '../../src/engine/session-context';
import { ShapeChecker, type Shape } from '../../src/engine/shape-checker';
import { turnBudget } from '../../src/engine/turn-budget';
import { openPool } from '../../src/postgres/control-pool';
import { sqlFile } from '../../src/postgres/sql-files';
import { loadParser } from '../../src/query/ast/parser';
import type { Fragment } from '../../src/query/fragment/fragment';
import { Client } from 'pg';
import type { ConnectionOptions } from '../../test/support/postgres-server';
import { until } from '../../test/support/until';
import { learnedStatement, maxTables, tableName } from './statements';

const key: TrackedKey = {
  name: 'region',
  datatype: 'integer',
  maxKeyShare: 1,
  tables: new Map(Array.from({ length: maxTables }, (_, i) => [`public.${tableName(i)}`, 'region_id'])),
};

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** Keys of every cached set: the size of the restriction, not of the data. */
const keysPerSet = 20;

/** Thousands of forms are seen for the first time here: the server's opinion of them is not what is measured. */
class AgreeableShapeChecker extends ShapeChecker {
  override check(): Promise<Shape> {
    return Promise.resolve({ isValid: true, parameterOids: [] });
  }
}

/** An engine whose cache holds what is put there, and a session's context to plan with. The tables are empty. */
export class Workbench implements AsyncDisposable {
  private constructor(
    readonly engine: DatabaseEngine,
    private readonly context: SessionContext,
    private readonly backend: MemoryBackend,
    private readonly learned: Fragment[],
    private readonly close: () => Promise<void>,
  ) {}

  static async open(connection: ConnectionOptions, { minQueryMs = 1_000 } = {}): Promise<Workbench> {
    await loadParser();
    const pool = openPool(connection);
    const backend = new MemoryBackend({
      warn: (message) => {
        throw new Error(message);
      },
    });
    const catalog = new CatalogKeeper(pool, [key], silent);
    const learned: Fragment[] = [];
    const engine = await DatabaseEngine.open({
      mode: 'on',
      log: silent,
      partitionKeys: [key],
      backend,
      catalog,
      shapes: new AgreeableShapeChecker(pool),
      contextQuery: sqlFile('session-context').text,
      minQueryMs,
      fetchMs: 50,
      memoryBytes: 256 * 1024 * 1024,
      learn: (fragments) => learned.push(...fragments),
      events: unheard,
    });
    await catalog.settled();
    await engine.loaded;
    const client = new Client(connection);
    await client.connect();
    const { rows } = await client.query<(string | null)[]>({
      text: engine.contextQuery,
      values: [null],
      rowMode: 'array',
    });
    await client.end();
    const { context } = engine.readContext(rows[0] ?? []);
    return new Workbench(engine, context, backend, learned, async () => {
      await engine[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
    });
  }

  /** What the proxy does with a statement before it sends it. */
  plan(text: string): Plan | Promise<Plan> {
    return this.engine.plan({
      statement: this.engine.inspect(text),
      context: this.context,
      isContextCertain: true,
      canRetry: true,
    });
  }

  /** What is done after a statement was sent is over, the server's opinion of a new form with it. */
  async settled(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      await turnBudget.turn();
    }
  }

  /** Plans until the answer does not depend on anything being fetched any more; resolves to the kind or the reason. */
  async settledOutcome(text: string): Promise<string> {
    return until('a plan', async () => {
      const plan = await this.plan(text);
      if (plan.kind !== 'forward') return plan.kind;
      // A collection of garbage in the time of some of the first, perhaps: more of them, and they are few among many.
      const isForNow = plan.reason.endsWith(' yet') || plan.reason === 'takes too long to look into';
      return isForNow ? undefined : plan.reason;
    });
  }

  /** The fragments the engine would have learned from a slow execution. */
  async fragmentsOf(text: string): Promise<readonly Fragment[]> {
    this.engine.completed({
      statement: this.engine.inspect(text),
      plan: { kind: 'forward', reason: 'miss' },
      elapsedMs: 1_000,
      isTimed: true,
      outcome: 'complete',
      context: this.context,
      isContextCertain: true,
    });
    // Later, if there was no time for it.
    await turnBudget.turn();
    await new Promise((resolve) => setImmediate(resolve));
    return this.learned.splice(0);
  }

  /** Puts into the cache what is learned from as many statements that differ in their constant. */
  async fill(first: number, entries: number): Promise<void> {
    for (let i = 0; i < entries; i++) {
      await this.put(
        await until('something to learn', async () => {
          const [fragment] = await this.fragmentsOf(learnedStatement(first + i));
          return fragment;
        }),
      );
    }
  }

  /** Puts an entry with some keys into the cache. */
  async put(fragment: Fragment): Promise<void> {
    const keys = createKeySet(
      'integer',
      Array.from({ length: keysPerSet }, (_, i) => BigInt(i)),
    );
    const now = Date.now();
    const entry: CacheEntry = {
      ...{ fragment, keys, status: 'ok', keyCount: keys.size, hasNullKey: false, snapshot: undefined },
      ...{ createdAt: now, lastUsedAt: now, computeMs: 1, error: undefined },
    };
    await this.backend.put(entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.backend[Symbol.asyncDispose]();
  }
}
