import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { openPool } from '../../src/postgres/control-pool';
import { loadServerTls, type ServerTlsFiles, type ServerTlsMode } from '../../src/postgres/server-tls';
import { ClientTls } from '../../src/proxy/entrance/client-tls';
import { makeCertificate, serverTlsSettings, type Certificate } from '../support/certificates';
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
const isEncrypted = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

let directory: TemporaryDirectory;
let shown: Certificate;
let stranger: Certificate;
/** Has TLS and takes users with either; `only_tls` and `only_plain` with one of them, `certified` with a certificate. */
let server: PostgresServer;
let withoutTls: PostgresServer;

beforeAll(async () => {
  directory = await temporaryDirectory('tls', { openToOthers: true });
  shown = makeCertificate(directory.path, 'shown');
  // Its name is not that of the server.
  stranger = makeCertificate(directory.path, 'certified', 'DNS:elsewhere.example');
  server = await startPostgres({
    settings: { ...serverTlsSettings(shown), ssl_ca_file: stranger.certificate },
    hba: [
      'hostnossl all only_tls all reject',
      'hostssl all only_plain all reject',
      'hostssl all certified all cert',
      'host all all all scram-sha-256',
    ],
  });
  withoutTls = await startPostgres();
  const client = new Client(server.connectionOptions('postgres'));
  await client.connect();
  for (const role of ['only_tls', 'only_plain', 'certified']) {
    await client.query(`create role ${role} login password '${server.password}'`);
  }
  await client.end();
});

afterAll(async () => {
  await server?.stop();
  await withoutTls?.stop();
  await directory?.[Symbol.asyncDispose]();
});

function load(mode: ServerTlsMode, more: Partial<ServerTlsFiles> = {}) {
  return loadServerTls({ mode, ca: undefined, certificate: undefined, key: undefined, ...more });
}

async function proxyTo(
  { port }: PostgresServer,
  mode: ServerTlsMode,
  more: Partial<ServerTlsFiles> = {},
  { host = '127.0.0.1', clientTls }: { host?: string; clientTls?: ClientTls } = {},
): Promise<RecordedProxy> {
  const upstream = { host, port, tls: load(mode, more) };
  return startProxy(port, { postgres: new ScriptedEngine() }, { upstream, clientTls });
}

describe('TLS to the server', () => {
  /** Whether the server sees TLS, or the SQLSTATE that came instead. */
  async function ask(proxy: RecordedProxy, to: PostgresServer, user = 'postgres'): Promise<boolean | string> {
    const client = new Client({ ...to.connectionOptions('postgres'), user, port: proxy.port });
    try {
      await client.connect();
      return (await client.query<{ ssl: boolean }>(isEncrypted)).rows[0]?.ssl ?? 'no row';
    } catch (error) {
      const { code, detail } = error as { code?: string; detail?: string };
      return `${code} ${detail ?? ''}`;
    } finally {
      await client.end();
    }
  }

  test.each([
    ['disable', true, 'postgres', false],
    ['allow', true, 'postgres', false],
    ['allow', true, 'only_tls', true],
    ['prefer', true, 'postgres', true],
    ['prefer', true, 'only_plain', false],
    ['require', true, 'postgres', true],
    ['require', true, 'only_plain', /^28000/],
    ['disable', true, 'only_tls', /^28000/],
    ['allow', false, 'postgres', false],
    ['prefer', false, 'postgres', false],
    ['require', false, 'postgres', /^08006 .*has no TLS, which tls.mode require asks for/],
  ] as const)('mode %s, server with TLS: %s, user %s', async (mode, hasTls, user, expected) => {
    const to = hasTls ? server : withoutTls;
    await using proxy = await proxyTo(to, mode);
    const answer = await ask(proxy, to, user);
    if (typeof expected === 'boolean') expect(answer).toBe(expected);
    else expect(answer).toMatch(expected);
    await until('nothing is left', () => proxy.listener.sessionCount === 0);
  });

  test('the authorities: verify-ca and verify-full, and require with a file', async () => {
    const of = async (mode: ServerTlsMode, { certificate }: Certificate, host?: string) => {
      const more = host === undefined ? {} : { host };
      await using proxy = await proxyTo(server, mode, { ca: certificate }, more);
      return await ask(proxy, server);
    };
    expect(await of('verify-full', shown)).toBe(true);
    expect(await of('verify-full', shown, 'localhost')).toBe(true);
    expect(await of('verify-ca', shown)).toBe(true);
    expect(await of('require', shown)).toBe(true);
    for (const mode of ['verify-full', 'verify-ca', 'require'] as const) {
      expect(await of(mode, stranger)).toMatch(/^08006 .*self-signed certificate/);
    }
  });

  test('verify-full refuses a name that is not in the certificate; verify-ca does not look', async () => {
    await using other = await startPostgres({ settings: serverTlsSettings(stranger) });
    await using strict = await proxyTo(other, 'verify-full', { ca: stranger.certificate });
    expect(await ask(strict, other)).toMatch(/^08006 .*altnames/);
    await using lenient = await proxyTo(other, 'verify-ca', { ca: stranger.certificate });
    expect(await ask(lenient, other)).toBe(true);
  });

  test('a certificate of our own, where the server asks for one', async () => {
    const { certificate, key } = stranger;
    await using proxy = await proxyTo(server, 'require', { certificate, key });
    expect(await ask(proxy, server, 'certified')).toBe(true);
    await using without = await proxyTo(server, 'require');
    expect(await ask(without, server, 'certified')).toMatch(/^28000/);
  });

  test('a cancel request is delivered', async () => {
    await using proxy = await proxyTo(server, 'verify-ca', { ca: shown.certificate });
    const client = new Client({ ...server.connectionOptions('postgres'), port: proxy.port });
    const watcher = new Client(server.connectionOptions('postgres'));
    await client.connect();
    await watcher.connect();
    try {
      const failure = expect(client.query('select pg_sleep(61)')).rejects.toMatchObject({ code: '57014' });
      const running = `select from pg_stat_activity where query like '%sleep(61)' and state = 'active'`;
      await until('it runs', async () => (await watcher.query(running)).rowCount === 1);
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
      const canceler = new Client({ host: '127.0.0.1', port: proxy.port });
      const { connection } = canceler as unknown as {
        connection: NodeJS.EventEmitter & {
          connect(port: number, host: string): void;
          cancel(processId: number, key: number): void;
        };
      };
      connection.once('connect', () => connection.cancel(processID, secretKey));
      connection.connect(proxy.port, '127.0.0.1');
      await failure;
      await until('it is counted', () => proxy.events.cancels.length === 1);
      expect(proxy.events.cancels).toEqual(['relayed']);
    } finally {
      await client.end();
      await watcher.end();
    }
  });

  test.each([
    ['disable', 'postgres', false],
    ['allow', 'only_tls', true],
    ['prefer', 'postgres', true],
    ['prefer', 'only_plain', false],
    ['verify-full', 'postgres', true],
  ] as const)('our own connections, mode %s, user %s', async (mode, user, expected) => {
    const tls = load(mode, mode === 'verify-full' ? { ca: shown.certificate } : {});
    await using pool = openPool({ ...server.connectionOptions('postgres'), user, tls });
    expect(await pool.execute('test', isEncrypted)).toEqual([{ ssl: expected }]);
    const signal = AbortSignal.timeout(300);
    await expect(pool.execute('test', 'select pg_sleep(62)', [], { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const asleep = `select from pg_stat_activity where query like '%sleep(62)%' and state = 'active' and pid <> pg_backend_pid()`;
    await until('it was cancelled', async () => (await pool.execute('test', asleep)).length === 0);
  });

  test('refuses, on our own connections: an unknown authority', async () => {
    const tls = load('verify-ca', { ca: stranger.certificate });
    await using pool = openPool({ ...server.connectionOptions('postgres'), tls });
    await expect(pool.execute('test', isEncrypted)).rejects.toThrow(/self-signed certificate/);
  });
});

(psql === undefined ? describe.skip : describe)('SCRAM and channel binding', () => {
  async function login(proxy: RecordedProxy, binding: string, sslmode: string): Promise<string> {
    const env = {
      ...process.env,
      ...server.environment('postgres'),
      PGPORT: String(proxy.port),
      PGCHANNELBINDING: binding,
      PGSSLMODE: sslmode,
    };
    try {
      return (await run(psql ?? '', ['-XAtc', 'select 42'], { env })).stdout.trim();
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
  }
  const tlsOf = ({ certificate, key }: Certificate): ClientTls =>
    new ClientTls(
      { mode: 'prefer', certificate, key, clientCa: undefined, minimumVersion: 'TLSv1.2' },
      silent,
    );

  test('the same certificate on both legs: the binding is relayed', async () => {
    await using proxy = await proxyTo(server, 'require', {}, { clientTls: tlsOf(shown) });
    for (const binding of ['require', 'prefer', 'disable']) {
      expect([binding, await login(proxy, binding, 'require')]).toEqual([binding, '42']);
    }
  });

  test('different certificates: the server refuses, and a hint says what to do', async () => {
    await using proxy = await proxyTo(server, 'require', {}, { clientTls: tlsOf(stranger) });
    for (const binding of ['require', 'prefer']) {
      const complaint = await login(proxy, binding, 'require');
      expect(complaint).toMatch(/FATAL: {2}SCRAM channel binding check failed/);
      expect(complaint).toMatch(
        /HINT: .*same certificate.*auth.mode: verify.*no TLS on one of the two legs.*channel_binding=disable/,
      );
    }
    expect(await login(proxy, 'disable', 'require')).toBe('42');
  });

  test('a wrong password gets no hint', async () => {
    await using proxy = await proxyTo(server, 'require', {}, { clientTls: tlsOf(shown) });
    const client = new Client({
      ...server.connectionOptions('postgres'),
      port: proxy.port,
      password: 'wrong',
      ssl: { ca: shown.pem },
    });
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01', hint: undefined });
  });

  test('no TLS on one leg', async () => {
    await using onlyServer = await proxyTo(server, 'require', {}, { clientTls: tlsOf(stranger) });
    expect(await login(onlyServer, 'prefer', 'disable')).toBe('42');
    await using onlyClient = await proxyTo(server, 'disable', {}, { clientTls: tlsOf(stranger) });
    expect(await login(onlyClient, 'prefer', 'require')).toBe('42');
  });
});
