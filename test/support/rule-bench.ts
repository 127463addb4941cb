import type { TrackedKey } from '../../src/engine/database-engine';
import type { BoundParameters, RewritePlan } from '../../src/engine/engine';
import { EngineHarness, multiset } from './engine-harness';
import { startPostgres, type PostgresServer, type PostgresServerOptions } from './postgres-server';

/** A value as a Bind message has it. A string travels in text format, a Buffer in binary. */
export type BoundValue = string | Buffer | null;

/** What became of a statement in both forms. `error` if the server refused it. */
type Outcome = { readonly rows: readonly string[] } | { readonly error: string };

/** A database and a session to try one rule on: what is restricted there, and what comes out of both forms. */
export class RuleBench implements AsyncDisposable {
  private constructor(
    readonly server: PostgresServer,
    readonly harness: EngineHarness,
    readonly database: string,
  ) {}

  /** Starts a server and runs `schema` in a new database; catalog and session are ready. */
  static async open(
    partitionKeys: readonly TrackedKey[],
    schema: string,
    options: PostgresServerOptions = {},
  ): Promise<RuleBench> {
    const server = await startPostgres(options);
    const database = await server.createDatabase();
    const harness = await EngineHarness.open(server.connectionOptions(database), partitionKeys);
    const bench = new RuleBench(server, harness, database);
    await bench.define(schema);
    return bench;
  }

  /** Runs DDL, or anything else that changes the catalog. */
  async define(sql: string): Promise<void> {
    await this.harness.client.query(sql);
    await this.harness.refreshCatalog();
  }

  /** Runs `then` with these settings in the session, and resets them all after it. */
  async under<T>(settings: readonly string[], then: () => Promise<T>): Promise<T> {
    for (const setting of settings) await this.harness.client.query(setting);
    try {
      return await then();
    } finally {
      await this.harness.client.query('reset role; reset all');
    }
  }

  /** Expects that the statement is restricted once its fragments are known, and gives the same rows; resolves to its plan. */
  async applies(text: string, values?: readonly BoundValue[]): Promise<RewritePlan> {
    const plan = await this.restricted(text, values);
    expect(await this.outcome(plan.text, values)).toEqual(await this.outcome(text, values));
    return plan;
  }

  /** Expects that the statement is restricted once its fragments are known; resolves to its plan. */
  async restricted(text: string, values?: readonly BoundValue[]): Promise<RewritePlan> {
    const parameters = values === undefined ? undefined : bound(values);
    await this.harness.learn(text, parameters, 'note');
    const plan = await this.harness.plan(text, parameters);
    if (plan.kind !== 'rewrite') throw new Error(`not restricted: ${JSON.stringify(plan)}: ${text}`);
    return plan;
  }

  /**
   * Expects that the statement is sent as it is, for this reason, after all its fragments were learned. 'miss' is what is said
   * when it has none.
   */
  async refuses(text: string, reason: string, values?: readonly BoundValue[]): Promise<void> {
    const parameters = values === undefined ? undefined : bound(values);
    await this.harness.learn(text, parameters, 'note');
    expect(await this.harness.plan(text, parameters)).toMatchObject({ kind: 'forward', reason });
  }

  /** The rows of a text in an order of their own, or what the server said instead. */
  async outcome(text: string, values?: readonly BoundValue[]): Promise<Outcome> {
    try {
      const result = await this.harness.client.query<unknown[]>({
        text,
        rowMode: 'array',
        ...(values === undefined ? {} : { values: [...values] }),
      });
      return { rows: multiset(result) };
    } catch (error) {
      if (error instanceof Error) return { error: error.message };
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.harness[Symbol.asyncDispose]();
    await this.server.stop();
  }
}

/** Values as `pg` sends them: their types are left to the server. */
function bound(values: readonly BoundValue[]): BoundParameters {
  return {
    declaredOids: [],
    formats: values.map((value) => (Buffer.isBuffer(value) ? 1 : 0)),
    values: values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value)),
  };
}

/** A partition key over these tables, `schema.table` to column. */
export function trackedKey(
  name: string,
  datatype: TrackedKey['datatype'],
  tables: Readonly<Record<string, string>>,
): TrackedKey {
  return { name, datatype, maxKeyShare: 1, tables: new Map(Object.entries(tables)) };
}

/** The key and the tables most rules are tried on: places in regions, some in none, and notes about places. */
export const regionKey = trackedKey('region', 'integer', {
  'public.place': 'region_id',
  'public.region': 'region_id',
});

export const regionSchema = `
  create table region (region_id int primary key, name text not null);
  create table place (id int primary key, region_id int, kind text, population int, lat float8);
  create table note (id int primary key, place_id int, text text, weight int);
  insert into region select i, 'r' || i from generate_series(1, 40) as i;
  insert into place
    select i, case when i % 17 = 0 then null else i % 40 + 1 end, 'k' || i % 13, i * 7919 % 1000, i % 90
      from generate_series(1, 2000) as i;
  insert into note select i, i * 3, 'n' || i % 5, i % 11 from generate_series(1, 500) as i;
  analyze;
`;
