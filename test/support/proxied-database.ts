import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { stringify } from 'yaml';
import type { ReadinessReport } from '../../src/ops/admin/readiness';
import { isLearning } from './learning';
import { PcacheProcess } from './pcache-process';
import {
  startPostgres,
  type ConnectionOptions,
  type PostgresServer,
  type PostgresServerOptions,
} from './postgres-server';
import { Tracking } from '../../src/freshness/tracking';
import { trackingScript } from '../../src/freshness/tracking-schema';
import { openPool } from '../../src/postgres/control-pool';
import { parseMetrics } from './prometheus-text';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory';
import { until } from './until';

const database = 'matrix';
const password = 'sesame';
/** Logged when a client's statement is wrong, and the server has said so when it was checked whether it can be restricted. */
const refusedStatement = 'the server does not take a statement; it is left alone';
const reloaded = ['configuration reloaded', 'the configuration is not reloaded; the old one stays'];
const partitionedPlaces = `
  alter table place rename to flat_place;
  create table place (like flat_place including defaults) partition by hash (region_id);
  do $$ begin for i in 0..7 loop
    execute format('create table place_%s partition of place for values with (modulus 8, remainder %s)', i, i);
  end loop; end $$;
  insert into place select * from flat_place;
  drop table flat_place;
  create index on place (region_id);
  create index on place (id);
  analyze place`;
/** What is counted when something went wrong; a connection ends well if the client or the server ended it. */
const troubles =
  /^pcache_((scanning_given_up|protocol_errors|engine_failures|population_troubles)_total|connections_closed_total\{end="(?!client"|upstream"|cancelRequest"))/;
/** How often a conversation is repeated until its statements are restricted. */
const maxRepetitions = 10;

export interface ProxiedDatabaseOptions extends PostgresServerOptions {
  /** The section of the configuration; by default, memory. */
  readonly cache?: object;
  /** More of the section of the configuration. */
  readonly population?: object;
  /** Variables for the program, such as passwords the configuration names. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the tables' key; exact: their changes are tracked. By default static. */
  readonly consistency?: 'static' | 'exact';
  /** Whether the places are in a table that is partitioned by their key. */
  readonly isPartitioned?: boolean;
  /** Makes what fragments are run on, if not on the database itself, and resolves to the section of the database. */
  readonly source?: (server: PostgresServer, database: string) => Promise<object>;
  /** Other options of the configuration. */
  readonly sections?: object;
  /** What is done in the database, by its superuser, before the program starts. */
  readonly prepare?: (connection: ConnectionOptions) => Promise<void>;
}

interface RunningProgram {
  readonly program: PcacheProcess;
  readonly port: number;
  readonly adminUrl: string;
}

/**
 * A server with the tables of tracked-tables.sql, and the whole program in front of it: it learns from every statement,
 * however fast, and restricts what it has learned.
 */
export class ProxiedDatabase implements AsyncDisposable {
  private constructor(
    readonly server: PostgresServer,
    private readonly directory: TemporaryDirectory,
    /** Of the program. */
    readonly configFile: string,
    private readonly start: () => Promise<RunningProgram>,
    private running: RunningProgram,
  ) {}

  static async start({
    cache = { backend: 'memory' },
    environment = {},
    population = {},
    consistency = 'static',
    sections = {},
    isPartitioned = false,
    prepare,
    source,
    ...options
  }: ProxiedDatabaseOptions = {}): Promise<ProxiedDatabase> {
    const server = await startPostgres(options);
    await server.createDatabase(database);
    const client = new Client(server.connectionOptions(database));
    await client.connect();
    await client.query(readFileSync(join(__dirname, 'tracked-tables.sql'), 'utf8'));
    if (isPartitioned) await client.query(partitionedPlaces);
    await client.query(
      `create role pcache login password '${password}'; grant select on place, visit to pcache`,
    );
    await client.end();
    if (consistency === 'exact') await track(server.connectionOptions(database));
    await prepare?.(server.connectionOptions(database));

    const directory = await temporaryDirectory('matrix');
    const file = join(directory.path, 'pcache.yaml');
    const from = await source?.(server, database);
    const common = configuration(server.port, cache, population, consistency, from);
    writeFileSync(file, stringify({ ...common, ...sections }));
    const start = async (): Promise<RunningProgram> => {
      const program = new PcacheProcess(['proxy', '--config', file], {
        environment: { PASSWORD: password, ...environment },
        workingDirectory: directory.path,
      });
      const { listen, admin } = (await program.logged('accepting connections')) as {
        readonly listen: { readonly port: number };
        readonly admin: { readonly port: number };
      };
      return { program, port: listen.port, adminUrl: `http://127.0.0.1:${admin.port}` };
    };
    return new ProxiedDatabase(server, directory, file, start, await start());
  }

  /** Ends the program and starts it again; clients find it at another port. */
  async restartProgram(): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    this.running = await this.start();
  }

  /** Kills the program, and leaves it at that. */
  killProgram(): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }

  /** The port clients of the proxy connect to. */
  get port(): number {
    return this.running.port;
  }

  private get program(): PcacheProcess {
    return this.running.program;
  }

  /** Of the operator's port, without a path. */
  get adminUrl(): string {
    return this.running.adminUrl;
  }

  /** How to connect to the server itself. */
  get direct(): ConnectionOptions {
    return this.server.connectionOptions(database);
  }

  /** How to connect through the proxy. */
  get through(): ConnectionOptions {
    return { ...this.direct, port: this.port };
  }

  /** The same for what is built on libpq: environment variables. */
  environment({ port }: ConnectionOptions): Record<string, string> {
    return { ...this.server.environment(database), PGPORT: String(port) };
  }

  /** Statements that ran restricted so far. */
  async hits(): Promise<number> {
    const metrics = await this.metrics();
    const count = (outcome: string): number =>
      metrics.get(`pcache_statements_total{outcome="${outcome}"}`) ?? 0;
    return count('hit') + count('partial');
  }

  /**
   * Has a conversation with the server and then with the proxy, until at least `hits` statements of one repetition ran
   * restricted: the first one has nothing but misses. What each of them resolves to must be what the server itself led to.
   */
  async expectSame<T>(
    converse: (connection: ConnectionOptions) => Promise<T>,
    { hits }: { readonly hits: number },
  ): Promise<T> {
    const expected = await converse(this.direct);
    for (let repetition = 1; ; repetition++) {
      const before = await this.hits();
      expect(await converse(this.through)).toEqual(expected);
      const restricted = (await this.hits()) - before;
      if (restricted >= hits) return expected;
      if (repetition === maxRepetitions)
        throw new Error(`${restricted} statements of ${hits} were restricted; ${await this.outcomes()}`);
      await until('everything is learned', async () => !(await isLearning(this.adminUrl)));
    }
  }

  /** What the proxy complained about, and what its metrics count as trouble. No driver may cause any. */
  async trouble(): Promise<readonly string[]> {
    const metrics = await this.metrics();
    const counted = [...metrics].filter(([series, value]) => troubles.test(series) && value > 0);
    const complaints = this.program.complaints.filter(({ msg }) => msg !== refusedStatement);
    return [...complaints.map((entry) => JSON.stringify(entry)), ...counted.map(String)];
  }

  /** Entries of the program's log with this message, so far. */
  logged(message: string): readonly Record<string, unknown>[] {
    return this.program.loggedSoFar(message);
  }

  /** Changes the configuration file and has the program read it again; resolves to what its log says came of it. */
  async reload(change: (file: string) => string): Promise<Record<string, unknown>> {
    writeFileSync(this.configFile, change(readFileSync(this.configFile, 'utf8')));
    const outcomes = (): Record<string, unknown>[] =>
      [...reloaded].flatMap((message) => this.program.loggedSoFar(message));
    const before = outcomes().length;
    this.program.send('SIGHUP');
    await until('the configuration is read again', async () => outcomes().length > before);
    const [outcome] = outcomes()
      .sort((a, b) => String(a['time']).localeCompare(String(b['time'])))
      .slice(-1);
    return outcome ?? {};
  }

  /** As PcacheProcess.handOver. */
  handOver(): Promise<Record<string, unknown>> {
    return this.program.handOver();
  }

  /** Of the program. */
  get pid(): number {
    return this.program.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.program.send(signal);
  }

  /** What /readyz says. */
  async readiness(): Promise<{ readonly status: number; readonly report: ReadinessReport }> {
    const response = await fetch(`${this.adminUrl}/readyz`);
    return { status: response.status, report: (await response.json()) as ReadinessReport };
  }

  /** The clients that are connected at this moment. */
  async connections(): Promise<number> {
    return (await this.metrics()).get('pcache_connections') ?? NaN;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await this.server.stop();
    await this.directory[Symbol.asyncDispose]();
  }

  private async outcomes(): Promise<string> {
    const metrics = [...(await this.metrics())];
    return metrics
      .filter(([series]) => series.startsWith('pcache_rewrite_outcome_total'))
      .map(([series, value]) => `${series} ${value}`)
      .join('; ');
  }

  async metrics(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`${this.adminUrl}/metrics`);
    if (!response.ok) throw new Error(`${this.adminUrl}/metrics answered ${response.status}`);
    return parseMetrics(await response.text());
  }
}

/** As `pcache track install` and `pcache track grants` do. */
async function track(connection: ConnectionOptions): Promise<void> {
  await using pool = openPool(connection);
  const schema = 'pcache';
  const tracking = new Tracking({ pool, schema, lockTimeoutMs: 500, attempts: 10 });
  const tables = ['place', 'visit'].map((table) => ({ schema: 'public', table, keyColumn: 'region_id' }));
  const refused = (await tracking.install(tables)).filter(({ reason }) => reason !== undefined);
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  await pool.withClient((client) =>
    client.runScript(trackingScript('grants', schema, { control: 'pcache' })),
  );
}

function configuration(
  upstreamPort: number,
  cache: object,
  population: object,
  consistency: string,
  source: object | undefined,
): object {
  return {
    listen: { port: 0 },
    admin: { port: 0 },
    upstream: { port: upstreamPort },
    cache,
    population: { min_query_ms: 0, duty: 1, ...population },
    databases: {
      [database]: {
        control: { user: 'pcache', password_env: 'PASSWORD' },
        ...(source === undefined ? {} : { source }),
        partition_keys: {
          region: {
            datatype: 'integer',
            consistency,
            // A method that is asked for is used whether or not it pays, and an exact one pays less.
            ...(consistency === 'exact' ? { method: 'inline' } : {}),
            tables: { 'public.place': 'region_id', 'public.visit': 'region_id' },
          },
        },
      },
    },
  };
}
