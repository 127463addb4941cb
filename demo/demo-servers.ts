import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { freePort } from '../test/support/free-port';
import { GuardedProcess } from '../test/support/guarded-process';
import { startPostgres, type ConnectionOptions, type PostgresServer } from '../test/support/postgres-server';
import { temporaryDirectory } from '../test/support/temporary-directory';

export const database = 'places';
const visitor = { user: 'demo', password: 'demo' };
const controlUser = 'pcache';

/** What has to be undone, last first. */
export class Cleanup implements AsyncDisposable {
  private readonly steps: (() => PromiseLike<unknown>)[] = [];

  add(step: () => PromiseLike<unknown>): void {
    this.steps.push(step);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) await step();
  }
}

/** A PostgreSQL with an empty database for the places, set up as people run it, not as tests do. */
export async function startDatabase(cleanup: Cleanup): Promise<PostgresServer> {
  const postgres = await startPostgres({
    // pg_stat_activity is to show statements whole.
    settings: { fsync: 'on', full_page_writes: 'on', track_activity_query_size: '1MB' },
  });
  cleanup.add(() => postgres.stop());
  await postgres.createDatabase(database);
  return postgres;
}

export interface DemoProxy {
  readonly port: number;
  readonly adminUrl: string;
  /** As a visitor; nobody has to know the superuser's password. */
  readonly connection: ConnectionOptions;
}

/** Creates the two roles that read the places: the visitor who asks, and the proxy's own. */
export async function createReaders(admin: Client): Promise<{ readonly controlPassword: string }> {
  const controlPassword = randomBytes(16).toString('hex');
  const passwords = { [visitor.user]: visitor.password, [controlUser]: controlPassword };
  for (const [role, password] of Object.entries(passwords)) {
    await admin.query(`create role ${role} login password ${admin.escapeLiteral(password)}`);
    await admin.query(`grant select on region, place to ${role}`);
  }
  return { controlPassword };
}

/** Connection of the visitor to the server itself. */
export function directConnection(postgres: PostgresServer): ConnectionOptions {
  return { ...postgres.connectionOptions(database), ...visitor };
}

export interface DemoProxyOptions {
  /** exact: changes are tracked, for which the proxy's command line is run. Default: static. */
  readonly consistency?: 'static' | 'exact';
  /** Of the operator's port; by default there is none. */
  readonly token?: string;
}

/** Starts `pcache proxy` as an operator would: a configuration file, and the password in the environment. */
export async function startProxy(
  postgres: PostgresServer,
  controlPassword: string,
  cleanup: Cleanup,
  { consistency = 'static', token }: DemoProxyOptions = {},
): Promise<DemoProxy> {
  const directory = await temporaryDirectory('proxy');
  cleanup.add(() => directory[Symbol.asyncDispose]());
  const port = await freePort();
  const adminPort = await freePort();
  const configuration = {
    listen: { host: '127.0.0.1', port },
    upstream: { host: postgres.host, port: postgres.port },
    admin: {
      host: '127.0.0.1',
      port: adminPort,
      ...(token === undefined ? {} : { token_env: 'PCACHE_ADMIN_TOKEN' }),
    },
    mode: 'on',
    cache: { backend: 'rocksdb_set', path: join(directory.path, 'cache') },
    // Some fragments are worth less than they cost: pairs of places by nothing but their distance, for one.
    population: { min_query_ms: 2, timeout_ms: 5000, duty: 1 },
    databases: {
      [database]: {
        control: { user: controlUser, password_env: 'PCACHE_CONTROL_PASSWORD' },
        partition_keys: {
          region: {
            datatype: 'integer',
            consistency,
            tables: { 'public.place': 'region_id', 'public.region': 'region_id' },
          },
        },
      },
    },
  };
  const file = join(directory.path, 'pcache.yaml');
  await writeFile(file, stringify(configuration));

  const main = join(__dirname, '..', 'dist', 'main.js');
  const environment = {
    ...process.env,
    PCACHE_CONTROL_PASSWORD: controlPassword,
    ...(token === undefined ? {} : { PCACHE_ADMIN_TOKEN: token }),
  };
  if (consistency === 'exact') await track(postgres, environment, main, file);
  const proxy = new GuardedProcess(process.execPath, [main, 'proxy', '--config', file], {
    cwd: directory.path,
    env: environment,
    lastSignal: 'KILL',
  });
  cleanup.add(() => proxy.stop('TERM'));
  await proxy.untilWritten('accepting connections');
  return {
    port,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    connection: { ...directConnection(postgres), port },
  };
}

/** Has changes tracked, and lets the proxy read them. */
async function track(
  postgres: PostgresServer,
  environment: NodeJS.ProcessEnv,
  main: string,
  file: string,
): Promise<void> {
  const { user, password } = postgres.connectionOptions(database);
  const env = { ...environment, PGPASSWORD: password };
  const superuser = ['--user', user, '--password-env', 'PGPASSWORD'];
  const run = promisify(execFile);
  await run(process.execPath, [main, 'track', 'install', '--config', file, ...superuser], { env });
  const { stdout: grants } = await run(
    process.execPath,
    [main, 'track', 'grants', '--config', file, '--control', controlUser],
    { env },
  );
  const client = new Client(postgres.connectionOptions(database));
  await client.connect();
  await client.query(grants);
  await client.end();
}
