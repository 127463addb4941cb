import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { ClientTls } from '../../src/proxy/entrance/client-tls';
import type { ClientTlsConfig } from '../../src/ops/config/pcache-config';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { encodeEncryptionRequest } from '../../src/wire/startup/encryption-request';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { makeCertificate, type Certificate } from '../support/certificates';
import { postgresBinaryDirectory } from '../support/postgres-binaries';
import { findPostgresProgram, startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';
import { errorField, WireClient } from '../support/wire-client';

const run = promisify(execFile);
const psql = findPostgresProgram('psql');
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const sslRequest = encodeEncryptionRequest('SSLRequest');

/** Clients with TLS, a server without: the log-in is SCRAM. */
describe('TLS to clients', () => {
  let directory: TemporaryDirectory;
  let own: Certificate;
  let stranger: Certificate;
  let server: PostgresServer;
  let database: string;
  const proxies: RecordedProxy[] = [];

  beforeAll(async () => {
    directory = await temporaryDirectory('tls');
    own = makeCertificate(directory.path, 'own');
    stranger = makeCertificate(directory.path, 'stranger', 'DNS:elsewhere.example');
    server = await startPostgres();
    database = await server.createDatabase();
  });

  afterAll(async () => {
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    await server?.stop();
    await directory?.[Symbol.asyncDispose]();
  });

  const config = (more: Partial<ClientTlsConfig> = {}): ClientTlsConfig => ({
    mode: 'prefer',
    certificate: own.certificate,
    key: own.key,
    clientCa: undefined,
    minimumVersion: 'TLSv1.2',
    ...more,
  });

  async function proxyWith(more: Partial<ClientTlsConfig> = {}): Promise<RecordedProxy & { tls: ClientTls }> {
    const tls = new ClientTls(config(more), silent);
    const proxy = await startProxy(server.port, { [database]: new ScriptedEngine() }, { clientTls: tls });
    proxies.push(proxy);
    return Object.assign(proxy, { tls });
  }

  /** How psql sees its connection: `TLSv1.3`, `plain`, or its complaint. */
  async function ask(port: number, environment: Record<string, string>): Promise<string> {
    if (psql === undefined) throw new Error('there is no psql');
    const env = { ...process.env, ...server.environment(database), PGPORT: String(port), ...environment };
    try {
      const { stdout } = await run(psql, ['-Xq', '-c', '\\conninfo', '-Atc', 'select 40 + 2'], { env });
      expect(stdout).toMatch(/^42$/m);
      return /TLSv1\.\d/.exec(stdout)?.[0] ?? 'plain';
    } catch (error) {
      return (error as { stderr?: string }).stderr ?? String(error);
    }
  }

  function openTls(port: number, alpn?: string[], more: object = {}): TLSSocket {
    return connectTls({
      port,
      host: '127.0.0.1',
      ca: own.pem,
      ...(alpn === undefined ? {} : { ALPNProtocols: alpn }),
      ...more,
    });
  }

  const describePsql = psql === undefined ? describe.skip : describe;

  describePsql('psql', () => {
    const refused =
      /pcache rejects connection for host "127.0.0.1", user "postgres", database "\w+", no encryption/;
    test.each([
      ['prefer', 'disable', /^plain$/],
      ['prefer', 'allow', /^plain$/],
      ['prefer', 'prefer', /^TLSv1.3$/],
      ['allow', 'require', /^TLSv1.3$/],
      ['prefer', 'verify-ca', /^TLSv1.3$/],
      ['prefer', 'verify-full', /^TLSv1.3$/],
      ['require', 'disable', refused],
      ['require', 'allow', /^TLSv1.3$/],
      ['require', 'prefer', /^TLSv1.3$/],
      ['require', 'require', /^TLSv1.3$/],
      ['require', 'verify-full', /^TLSv1.3$/],
    ] as const)('mode %s, sslmode %s', async (mode, sslmode, expected) => {
      const { port } = await proxyWith({ mode });
      const rootCertificate: Record<string, string> = sslmode.startsWith('verify')
        ? { PGSSLROOTCERT: own.certificate }
        : {};
      expect(await ask(port, { PGSSLMODE: sslmode, ...rootCertificate })).toMatch(expected);
    });

    test('refuses: another certificate than the client knows', async () => {
      const { port } = await proxyWith();
      const environment = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: stranger.certificate };
      expect(await ask(port, environment)).toMatch(/certificate verify failed/);
    });

    test('refuses: a version of TLS below the minimum', async () => {
      const { port } = await proxyWith({ minimumVersion: 'TLSv1.3' });
      const environment = { PGSSLMODE: 'require', PGSSLMAXPROTOCOLVERSION: 'TLSv1.2' };
      expect(await ask(port, environment)).toMatch(/protocol version/);
      expect(await ask(port, { PGSSLMODE: 'require' })).toBe('TLSv1.3');
    });

    test('an authority for clients: only those it vouches for get in', async () => {
      const client = makeCertificate(directory.path, 'client');
      const { port } = await proxyWith({ clientCa: client.certificate });
      const as = ({ certificate, key }: Certificate) => ({
        PGSSLMODE: 'require',
        PGSSLCERT: certificate,
        PGSSLKEY: key,
      });
      expect(await ask(port, as(client))).toBe('TLSv1.3');
      expect(await ask(port, as(stranger))).toMatch(/failed/);
      expect(await ask(port, { PGSSLMODE: 'require' })).toMatch(/failed/);
      expect(await ask(port, { PGSSLMODE: 'disable' })).toBe('plain');
    });

    test('sslnegotiation=direct, with the libpq of PostgreSQL 18', async () => {
      const library = join(postgresBinaryDirectory('embedded'), '..', 'lib');
      if (!existsSync(join(library, 'libpq.so.5'))) return;
      const { port } = await proxyWith({ mode: 'require' });
      const environment = { PGSSLMODE: 'require', PGSSLNEGOTIATION: 'direct', LD_LIBRARY_PATH: library };
      expect(await ask(port, environment)).toBe('TLSv1.3');
    });
  });

  describe('pg', () => {
    test('large results and parameters', async () => {
      const { port } = await proxyWith();
      const ssl = { ca: own.pem };
      const client = new Client({ ...server.connectionOptions(database), port, ssl });
      await client.connect();
      try {
        const text = 'ü'.repeat(1_000_000);
        const { rows } = await client.query('select $1::text || n as a from generate_series(1, 10) as n', [
          text,
        ]);
        expect(rows.map(({ a }) => a.length)).toEqual([...Array(9).fill(1_000_001), 1_000_002]);
        await expect(client.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
      } finally {
        await client.end();
      }
    });
  });

  describe('direct TLS', () => {
    test('with ALPN: an SSLRequest inside is no protocol, a session is', async () => {
      const { port } = await proxyWith();
      const parameters = new Map([
        ['user', 'postgres'],
        ['database', database],
      ]);
      const startup = encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters });
      for (const [bytes, answer] of [
        [startup, 'R'],
        [sslRequest, 'E'],
      ] as const) {
        const socket = openTls(port, ['postgresql']);
        const received = await new Promise<Buffer>((resolve, reject) => {
          socket.once('data', resolve);
          socket.once('error', reject);
          socket.once('secureConnect', () => socket.write(bytes));
        });
        expect(received.toString('latin1', 0, 1)).toBe(answer);
        socket.destroy();
      }
    });

    test.each([
      ['no ALPN', undefined],
      ['ALPN for something else', ['http/1.1']],
    ])('refuses: %s', async (_title, alpn) => {
      const proxy = await proxyWith();
      const socket = openTls(proxy.port, alpn);
      const received: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => received.push(chunk));
      socket.on('error', () => undefined);
      socket.on('secureConnect', () => socket.write(sslRequest));
      await until('the connection is closed', () => socket.destroyed);
      expect(Buffer.concat(received)).toHaveLength(0);
      await until('the proxy has closed it', () => proxy.listener.sessionCount === 0);
    });

    test('refuses: without a certificate there is none', async () => {
      await using proxy = await startProxy(server.port, {});
      const socket = openTls(proxy.port, ['postgresql']);
      socket.on('error', () => undefined);
      await until('the connection is closed', () => socket.destroyed);
    });
  });

  describe('the start of a connection', () => {
    test('refuses: bytes behind SSLRequest, before the handshake (CVE-2021-23222)', async () => {
      const { port, events } = await proxyWith();
      const client = await WireClient.open(port);
      const parameters = new Map([['user', 'postgres']]);
      client.send(sslRequest, encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
      const [error] = await client.untilClosed();
      expect(errorField(error, 'C')).toBe('08P01');
      expect(errorField(error, 'M')).toBe('received unencrypted data after SSL request');
      expect(events.protocolErrors).toEqual(['client 08P01']);
    });

    test('refuses: SSLRequest after SSLRequest was answered with N', async () => {
      await using proxy = await startProxy(server.port, {});
      const client = await WireClient.open(proxy.port);
      const answered = new Promise((resolve) => client.socket.once('data', resolve));
      client.send(sslRequest);
      expect(String(await answered)).toBe('N');
      client.send(sslRequest);
      await client.untilClosed();
      expect(proxy.events.protocolErrors).toEqual(['client 08P01']);
    });

    test('GSSENCRequest is answered with N, SSLRequest after it with S', async () => {
      const { port } = await proxyWith();
      const client = await WireClient.open(port);
      for (const [kind, answer] of [
        ['GSSENCRequest', 'N'],
        ['SSLRequest', 'S'],
      ] as const) {
        const answered = new Promise((resolve) => client.socket.once('data', resolve));
        client.send(encodeEncryptionRequest(kind));
        expect(String(await answered)).toBe(answer);
      }
      client.close();
    });

    test('rubbish instead of a handshake, and silence, cost no more than their connection', async () => {
      const proxy = await proxyWith();
      const rubbish = await WireClient.open(proxy.port);
      const answered = new Promise((resolve) => rubbish.socket.once('data', resolve));
      rubbish.send(sslRequest);
      await answered;
      rubbish.send(Buffer.alloc(100, 7));
      await until('the rubbish is refused', () => proxy.listener.sessionCount === 0);

      const tls = new ClientTls(config(), silent);
      await using hasty = await startProxy(
        server.port,
        {},
        { clientTls: tls, limits: { loginTimeoutMs: 200 } },
      );
      const quiet = await WireClient.open(hasty.port);
      quiet.send(sslRequest);
      await until('the silent one is cut off', () => hasty.events.ends.length === 1);
      expect(hasty.events.ends).toEqual(['loginTimeout']);
    });
  });

  test('a cancel request that comes over TLS is delivered', async () => {
    const { port, events } = await proxyWith({ mode: 'require' });
    const options = { ...server.connectionOptions(database), port, ssl: { ca: own.pem } };
    const client = new Client(options);
    await client.connect();
    try {
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
      const key = Buffer.alloc(4);
      key.writeInt32BE(secretKey);
      const slow = client.query('select pg_sleep(60)');
      const failure = expect(slow).rejects.toMatchObject({ code: '57014' });
      await until('the statement runs', async () => {
        const watcher = new Client(options);
        await watcher.connect();
        const { rowCount } = await watcher.query(
          `select from pg_stat_activity where query like '%sleep(60)' and state = 'active'`,
        );
        await watcher.end();
        return rowCount === 1;
      });
      const socket = openTls(port, ['postgresql']);
      socket.once('secureConnect', () =>
        socket.write(encodeCancelRequest({ processId: processID, secretKey: key })),
      );
      socket.resume();
      await failure;
      await until('the connection is closed', () => socket.closed);
      expect(events.cancels).toEqual(['relayed']);
    } finally {
      await client.end();
    }
  });

  test('a certificate of another authority: the log says so', async () => {
    const entries: unknown[] = [];
    const log = {
      ...silent,
      info: (fields: object, message: string) => void entries.push([message, fields]),
    };
    const tls = new ClientTls(config({ clientCa: own.certificate }), log);
    await using proxy = await startProxy(server.port, {}, { clientTls: tls });
    const options = { key: readFileSync(stranger.key), cert: stranger.pem };
    const socket = openTls(proxy.port, ['postgresql'], options);
    socket.on('error', () => undefined);
    await until('the log says why', () => entries.length > 0);
    expect(entries).toEqual([
      [
        'a client was refused: its certificate is of no authority in listen.tls.client_ca',
        { reason: expect.stringMatching(/^[A-Z_]+$/) as string },
      ],
    ]);
    socket.destroy();
  });

  test('a new certificate holds for new connections, a bad one for none', async () => {
    const [first, second] = [
      makeCertificate(directory.path, 'first'),
      makeCertificate(directory.path, 'second'),
    ];
    const files = { certificate: join(directory.path, 'live.crt'), key: join(directory.path, 'live.key') };
    const install = (from: Certificate): void => {
      copyFileSync(from.certificate, files.certificate);
      copyFileSync(from.key, files.key);
    };
    install(first);
    const complaints: string[] = [];
    const log = { ...silent, error: (_fields: object, message: string) => void complaints.push(message) };
    const tls = new ClientTls(config(files), log);
    await using proxy = await startProxy(server.port, {}, { clientTls: tls });
    const open = async (ca: Buffer): Promise<Client> => {
      const client = new Client({ ...server.connectionOptions(database), port: proxy.port, ssl: { ca } });
      await client.connect();
      return client;
    };
    const before = await open(first.pem);
    install(second);
    tls.reload();
    const after = await open(second.pem);
    writeFileSync(files.certificate, 'rubbish');
    tls.reload();
    const later = await open(second.pem);
    expect(complaints).toEqual(['the new certificate cannot be used; the one before stays']);
    for (const client of [before, after, later]) {
      expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
      await client.end();
    }
  });
});
