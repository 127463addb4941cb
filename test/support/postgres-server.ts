import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './free-port';
import { type PostgresBinaries } from './postgres-binaries';
import { createCluster, superuser } from './postgres-cluster';
import { PostgresProcess } from './postgres-process';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory';

export { findPostgresProgram, hasPostgresBinaries, type PostgresBinaries } from './postgres-binaries';

export interface PostgresServerOptions {
  /** Lines of postgresql.conf, added to those that make a test server fast. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** The lines of pg_hba.conf; without them every user of 127.0.0.1 logs in with SCRAM. */
  readonly hba?: readonly string[];
  readonly binaries?: PostgresBinaries;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Nothing a test server holds has to survive a power failure; what it holds does survive `crash`. */
const fastSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
} as const;

/** A real PostgreSQL server of the test's own, on a free port, with its data in a temporary directory. */
export class PostgresServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly user = superuser;
  private databases = 0;

  private constructor(
    readonly binaries: PostgresBinaries,
    readonly password: string,
    /** Where the server's files are; readable by root and the server's user only. */
    readonly dataDirectory: string,
    private readonly directory: TemporaryDirectory,
    private readonly log: { text: string },
    private process: PostgresProcess,
  ) {}

  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    const binaries = options.binaries ?? 'embedded';
    const directory = await temporaryDirectory('postgres', { openToOthers: true });
    try {
      const dataDirectory = join(directory.path, 'data');
      const settings = { ...fastSettings, ...options.settings };
      const { password } = createCluster(binaries, dataDirectory, settings, options.hba);
      const log = { text: '' };
      const process = await startOnFreePort(binaries, dataDirectory, log);
      return new PostgresServer(binaries, password, dataDirectory, directory, log, process);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.process.port;
  }

  /** What the server has logged so far (the last megabytes of it), oldest first. */
  get logText(): string {
    return this.log.text;
  }

  /** Creates an empty database, by default under a name no other database of this server has; resolves to its name. */
  async createDatabase(name = `test_${++this.databases}`, template = 'template0'): Promise<string> {
    const client = new Client(this.connectionOptions('postgres'));
    await client.connect();
    try {
      await client.query(
        `create database ${client.escapeIdentifier(name)} template ${client.escapeIdentifier(template)} strategy file_copy`,
      );
    } finally {
      await client.end();
    }
    return name;
  }

  /** Drops a database that nobody is connected to any more. */
  async dropDatabase(name: string): Promise<void> {
    const client = new Client(this.connectionOptions('postgres'));
    await client.connect();
    try {
      await client.query(`drop database ${client.escapeIdentifier(name)} with (force)`);
    } finally {
      await client.end();
    }
  }

  /** How to connect as the superuser; what `Client` and `Pool` of pg take. */
  connectionOptions(database: string): ConnectionOptions {
    const { host, port, user, password } = this;
    return { host, port, user, password, database };
  }

  /** The same for psql, pgbench and whatever else is built on libpq: environment variables to add. */
  environment(database: string): Record<string, string> {
    const { host, port, user, password } = this;
    return { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database };
  }

  /** Ends the server as a crash would: sessions are cut off, the data stays for `restart`. */
  crash(): Promise<void> {
    return this.process.stop('immediate');
  }

  /** Kills all its processes where they are, as by SIGKILL; the data stays for `restart`. */
  async kill(): Promise<void> {
    // The postmaster is stopped first, so that it can neither start others nor clean up.
    this.suspend();
    for (const pid of this.processIds()) process.kill(pid, 'SIGKILL');
    await this.process.untilExit();
  }

  /** All its processes stop where they are, until `resume`: connections stay, and nothing is answered. */
  suspend(): void {
    for (const pid of this.processIds()) process.kill(pid, 'SIGSTOP');
  }

  resume(): void {
    for (const pid of this.processIds()) process.kill(pid, 'SIGCONT');
  }

  /** Starts the server again on the same port and data, stopping it before if it runs. */
  async restart(): Promise<void> {
    await this.process.stop();
    this.process = await PostgresProcess.start(this.binaries, this.dataDirectory, this.port, this.log);
  }

  /** Stops the server and removes its data. */
  async stop(): Promise<void> {
    await this.process.stop();
    await this.directory[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The postmaster and its children, in this order: stopped, it can have no more. */
  private processIds(): readonly number[] {
    const [postmaster = ''] = readFileSync(join(this.dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
    return [postmaster, ...children.split(' ').filter((pid) => pid !== '')].map(Number);
  }
}

/** Starts a PostgreSQL server; the caller stops it. */
export function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  return PostgresServer.start(options);
}

async function startOnFreePort(
  binaries: PostgresBinaries,
  dataDirectory: string,
  log: { text: string },
): Promise<PostgresProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await PostgresProcess.start(binaries, dataDirectory, await freePort(), log);
    } catch (error) {
      const isPortTaken = String(error).includes('Address already in use');
      if (!isPortTaken || attempt === 5) throw error;
    }
  }
}
