import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { freePort } from '../../test/support/free-port';
import { GuardedProcess } from '../../test/support/guarded-process';
import { type PostgresServer } from '../../test/support/postgres-server';
import { until } from '../../test/support/until';
import { PgBouncer } from './pgbouncer';

export const database = 'pgbench';
const controlUser = 'pcache';
/** Statements that take longer are learned from, by the proxy whose cache is filled; none of pgbench's does. */
const lockedMs = 1_000;

/** A way from pgbench to the server. */
export interface Contender {
  readonly name: ContenderName;
  readonly port: number;
  /** The process in between, if there is one. */
  readonly pid: number | undefined;
}

/** Each way, and what it stands for. */
export const contenderNames = {
  direct: 'no process in between',
  relay: 'bench/overhead/raw-relay.js: bytes from socket to socket',
  pgbouncer: 'PgBouncer, session pooling',
  untracked: 'pcache, rewriting on; the statements name no tracked table',
  tracked: 'pcache, rewriting on; pgbench_accounts is tracked by bid, nothing is cached',
  cached: 'the same with fragments of other statements cached, so that each statement is looked up',
  watched:
    'the same with all there is to see it by: scraped and its page looked at, slow and rewritten statements logged, a console',
} as const;
export type ContenderName = keyof typeof contenderNames;

/** What may be switched on to see what a proxy does. */
const watching = {
  admin: { users: 'postgres' },
  log: { level: 'info', levels: { engine: 'info', proxy: 'info' }, slow_ms: 100, rewrites: { sample: 0.01 } },
};
/** As often as the page asks for itself; Prometheus is set up to ask less often. */
const lookEveryMs = 5_000;

/** Servers to be measured and a directory of their own; the caller stops them. */
export class Contenders implements AsyncDisposable {
  readonly all: Contender[] = [];
  private readonly processes: GuardedProcess[] = [];
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly postgres: PostgresServer,
    private readonly directory: string,
    /** The proxy's main.js. */
    private readonly main: string,
  ) {}

  async start(): Promise<void> {
    const { postgres } = this;
    this.all.push({ name: 'direct', port: postgres.port, pid: undefined });
    const relayPort = await freePort();
    const relay = join(__dirname, 'raw-relay.js');
    const relayPid = await this.run([relay, String(relayPort), String(postgres.port)], {});
    this.all.push({ name: 'relay', port: relayPort, pid: relayPid });

    if (PgBouncer.isThere) {
      const { process, port, pid } = await PgBouncer.start(postgres);
      this.processes.push(process);
      this.all.push({ name: 'pgbouncer', port, pid });
    }

    const controlPassword = randomBytes(16).toString('hex');
    const admin = new Client(postgres.connectionOptions(database));
    await admin.connect();
    try {
      await admin.query('create table reading (sensor_id integer, value integer)');
      await admin.query(`create role ${controlUser} login password ${admin.escapeLiteral(controlPassword)}`);
      await admin.query(`grant select on all tables in schema public to ${controlUser}`);
    } finally {
      await admin.end();
    }
    // Nothing that pgbench -S does is that slow: what is cached does not depend on how busy the machine is.
    const never = 600_000;
    await this.startProxy('untracked', { 'public.reading': 'sensor_id' }, controlPassword, never);
    await this.startProxy('tracked', { 'public.pgbench_accounts': 'bid' }, controlPassword, never);
    const accounts = { 'public.pgbench_accounts': 'bid' };
    await this.fillCache(await this.startProxy('cached', accounts, controlPassword, lockedMs));
    const watched = await this.startProxy('watched', accounts, controlPassword, lockedMs, watching);
    await this.fillCache(watched);
    this.looking = setInterval(() => void lookAt(watched.adminUrl), lookEveryMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.looking);
    for (const process of this.processes.splice(0)) await process.stop('TERM');
  }

  private async startProxy(
    name: ContenderName,
    tables: Readonly<Record<string, string>>,
    controlPassword: string,
    minQueryMs: number,
    sections: { readonly admin?: object; readonly log?: object } = {},
  ): Promise<{ readonly port: number; readonly adminUrl: string }> {
    const { host, port: upstreamPort } = this.postgres;
    const directory = join(this.directory, name);
    await mkdir(directory);
    const [port, adminPort] = [await freePort(), await freePort()];
    const configuration = {
      listen: { host: '127.0.0.1', port },
      upstream: { host, port: upstreamPort },
      ...sections,
      admin: { host: '127.0.0.1', port: adminPort, ...sections.admin },
      mode: 'on',
      cache: { backend: 'rocksdb_set', path: join(directory, 'cache') },
      population: { min_query_ms: minQueryMs },
      databases: {
        [database]: {
          control: { user: controlUser, password_env: 'PCACHE_CONTROL_PASSWORD' },
          partition_keys: { key: { datatype: 'integer', consistency: 'static', tables } },
        },
      },
    };
    const file = join(directory, 'pcache.yaml');
    await writeFile(file, stringify(configuration));
    const pid = await this.run([this.main, 'proxy', '--config', file], {
      PCACHE_CONTROL_PASSWORD: controlPassword,
    });
    this.all.push({ name, port, pid });
    return { port, adminUrl: `http://127.0.0.1:${adminPort}` };
  }

  /** Has the proxy learn from a statement that is slow because somebody else holds the table. */
  private async fillCache({ port, adminUrl }: { port: number; adminUrl: string }): Promise<void> {
    const direct = this.postgres.connectionOptions(database);
    const [client, other] = [new Client({ ...direct, port }), new Client(direct)];
    await client.connect();
    await other.connect();
    try {
      await until('an entry in the cache', async () => {
        await other.query('begin; lock table pgbench_accounts');
        const answer = client.query('select aid from pgbench_accounts where abalance = 1 limit 1');
        await other.query(`select pg_sleep(${(2 * lockedMs) / 1000}); commit`);
        await answer;
        const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
        return /^pcache_directory_entries\{.*status="ok".*\} [1-9]/m.test(metrics);
      });
    } finally {
      await client.end();
      await other.end();
    }
  }

  /** Starts a Node program and resolves to its process id when it accepts connections. */
  private async run(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> {
    // The shell becomes the program, and keeps the number it has written.
    const program = new GuardedProcess(
      '/bin/sh',
      ['-c', 'echo "pid $$"; exec "$@"', 'sh', process.execPath, ...args],
      {
        cwd: this.directory,
        env: { PATH: process.env['PATH'], ...environment },
        lastSignal: 'KILL',
      },
    );
    this.processes.push(program);
    await program.untilWritten('accepting connections');
    return Number(/^pid (\d+)$/m.exec(program.log.text)?.[1]);
  }
}

async function lookAt(adminUrl: string): Promise<void> {
  for (const page of ['metrics', ''])
    await fetch(`${adminUrl}/${page}`).then((response) => response.arrayBuffer());
}

/** The number of the server's first process, which starts all others. */
export async function postmasterPid(postgres: PostgresServer): Promise<number> {
  const [pid] = (await readFile(join(postgres.dataDirectory, 'postmaster.pid'), 'latin1')).split('\n');
  return Number(pid);
}
