import { execFile } from 'node:child_process';
import { chownSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { upstreamCheck } from '../../src/ops/admin/upstream-check';
import { openPool } from '../../src/postgres/control-pool';
import { loadServerTls } from '../../src/postgres/server-tls';
import { ClientTls } from '../../src/proxy/entrance/client-tls';
import { makeCertificate } from '../support/certificates';
import { postgresOwner } from '../support/postgres-binaries';
import { findPostgresProgram, startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';

const run = promisify(execFile);
const psql = findPostgresProgram('psql');
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The server has no other door than its unix socket, the proxy has both. */
describe('unix sockets', () => {
  let serverDirectory: TemporaryDirectory;
  let directory: TemporaryDirectory;
  let server: PostgresServer;
  let proxy: RecordedProxy;

  beforeAll(async () => {
    serverDirectory = await temporaryDirectory('s', { openToOthers: true });
    directory = await temporaryDirectory('p', { openToOthers: true });
    const owner = postgresOwner();
    if ('uid' in owner) chownSync(serverDirectory.path, owner.uid, owner.gid);
    server = await startPostgres({
      settings: { unix_socket_directories: serverDirectory.path, listen_addresses: '' },
      hba: ['local all all scram-sha-256'],
    });
    const { certificate, key } = makeCertificate(directory.path, 'own');
    const clientTls = new ClientTls(
      { mode: 'require', certificate, key, clientCa: undefined, minimumVersion: 'TLSv1.2' },
      silent,
    );
    const tls = loadServerTls({ mode: 'require', ca: undefined, certificate: undefined, key: undefined });
    proxy = await startProxy(
      server.port,
      { postgres: new ScriptedEngine() },
      {
        listen: { host: '127.0.0.1', port: 0, socketDirectory: directory.path },
        upstream: { host: serverDirectory.path, port: server.port, tls },
        clientTls,
      },
    );
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
    await serverDirectory?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  const socket = (): string => join(directory.path, `.s.PGSQL.${proxy.port}`);
  const options = () => ({
    ...server.connectionOptions('postgres'),
    host: directory.path,
    port: proxy.port,
  });

  test('a client logs in, and TLS is asked of none there', async () => {
    expect(statSync(socket()).mode & 0o777).toBe(0o777);
    const client = new Client(options());
    await client.connect();
    expect((await client.query('select inet_client_addr() as a')).rows).toEqual([{ a: null }]);
    await client.end();
  });

  (psql === undefined ? test.skip : test)('psql, also where it would like TLS', async () => {
    const env = {
      ...process.env,
      ...server.environment('postgres'),
      PGHOST: directory.path,
      PGPORT: String(proxy.port),
      PGSSLMODE: 'require',
    };
    const { stdout } = await run(psql ?? '', ['-XAtc', 'select 42'], { env });
    expect(stdout).toBe('42\n');
  });

  test('a client over TCP with TLS reaches the server by its socket', async () => {
    const client = new Client({ ...options(), host: '127.0.0.1', ssl: { rejectUnauthorized: false } });
    await client.connect();
    expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    await client.end();
  });

  (psql === undefined ? test.skip : test)('a cancel request is delivered both ways', async () => {
    const env = {
      ...process.env,
      ...server.environment('postgres'),
      PGHOST: directory.path,
      PGPORT: String(proxy.port),
    };
    const watcher = new Client(options());
    await watcher.connect();
    const child = execFile(psql ?? '', ['-Xc', 'select pg_sleep(63)'], { env });
    let complaint = '';
    child.stderr?.on('data', (text: string) => (complaint += text));
    const running = `select from pg_stat_activity where query = 'select pg_sleep(63)' and state = 'active'`;
    await until('it runs', async () => (await watcher.query(running)).rowCount === 1);
    child.kill('SIGINT');
    await until('it was cancelled', () => complaint.includes('canceling statement due to user request'));
    expect(proxy.events.cancels).toEqual(['relayed']);
    await watcher.end();
  });

  test('our own connections, their cancelling, and the check whether the server is there', async () => {
    const host = serverDirectory.path;
    await using pool = openPool({ ...server.connectionOptions('postgres'), host });
    expect(await pool.execute('test', 'select 1 as a')).toEqual([{ a: 1 }]);
    const signal = AbortSignal.timeout(300);
    await expect(pool.execute('test', 'select pg_sleep(64)', [], { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const asleep = `select from pg_stat_activity where query like '%sleep(64)%' and state = 'active' and pid <> pg_backend_pid()`;
    await until('it was cancelled', async () => (await pool.execute('test', asleep)).length === 0);
    const check = upstreamCheck({ host, port: server.port });
    expect(await check.run(AbortSignal.timeout(5000))).toBeUndefined();
    const nobody = upstreamCheck({ host, port: 1 });
    expect(await nobody.run(AbortSignal.timeout(5000))).toMatch(/cannot be reached/);
  });

  describe('the file', () => {
    const listen = () => ({ host: '127.0.0.1', port: 0, socketDirectory: directory.path });

    test('is removed at the end', async () => {
      const other = await startProxy(server.port, {}, { listen: listen() });
      const path = join(directory.path, `.s.PGSQL.${other.port}`);
      expect(existsSync(path)).toBe(true);
      await other[Symbol.asyncDispose]();
      await until('it is gone', () => !existsSync(path));
    });

    /** Starts a proxy on a port, tells what went wrong. */
    async function startOn(port: number): Promise<string> {
      try {
        const other = await startProxy(server.port, {}, { listen: { ...listen(), port } });
        const { mode } = statSync(join(directory.path, `.s.PGSQL.${port}`));
        await other[Symbol.asyncDispose]();
        return `listened, ${(mode & 0o777).toString(8)}`;
      } catch (error) {
        return String(error);
      }
    }

    async function somePort(): Promise<number> {
      const other = await startProxy(server.port, {});
      await other[Symbol.asyncDispose]();
      return other.port;
    }

    test('of a process that was killed is replaced', async () => {
      const port = await somePort();
      const path = join(directory.path, `.s.PGSQL.${port}`);
      // The process ends without closing its server, so nobody removes the file.
      const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
      await expect(run(process.execPath, ['-e', script])).rejects.toMatchObject({ signal: 'SIGKILL' });
      expect(existsSync(path)).toBe(true);
      expect(await startOn(port)).toBe('listened, 777');
    });

    test('refuses: somebody listens there', async () => {
      const port = await somePort();
      const path = join(directory.path, `.s.PGSQL.${port}`);
      const other = createServer().listen(path);
      await until('it listens', () => other.listening);
      try {
        expect(await startOn(port)).toMatch(/SocketFileError: .*: somebody listens there/);
        expect(existsSync(path)).toBe(true);
      } finally {
        other.close();
      }
    });

    test('refuses: a file that is no socket', async () => {
      const port = await somePort();
      const path = join(directory.path, `.s.PGSQL.${port}`);
      writeFileSync(path, 'mine');
      expect(await startOn(port)).toMatch(/SocketFileError: .*or it is no socket/);
      expect(existsSync(path)).toBe(true);
    });
  });
});
