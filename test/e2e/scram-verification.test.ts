import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import postgres from 'postgres';
import { openPool, type ControlPool } from '../../src/postgres/control-pool';
import { loadServerTls } from '../../src/postgres/server-tls';
import { VerifierQuery } from '../../src/postgres/verifier-query';
import { ClientTls } from '../../src/proxy/entrance/client-tls';
import type { VerifierSource } from '../../src/proxy/login/verifier-source';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { makeCertificate, serverTlsSettings, type Certificate } from '../support/certificates';
import { findPostgresProgram, startPostgres, type PostgresServer } from '../support/postgres-server';
import {
  hasPostgresBinaries,
  postgresBinaryDirectory,
  type PostgresBinaries,
} from '../support/postgres-binaries';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { WireClient } from '../support/wire-client';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';

const run = promisify(execFile);
const psql = findPostgresProgram('psql');
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const password = 'pa$$ wörd "quoted"';
const strangeNames = [`o"brien's`, '100% $1 role', 'zoë ünïcode 雪', `x'; drop table t; --`];

const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));

function startup(user: string): Buffer {
  const parameters = new Map([
    ['user', user],
    ['database', 'postgres'],
  ]);
  return encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters });
}

(psql === undefined ? describe.skip : describe).each(versions)(
  'auth.mode verify, PostgreSQL (%s)',
  (binaries: PostgresBinaries) => {
    let directory: TemporaryDirectory;
    let serverCertificate: Certificate;
    let ownCertificate: Certificate;
    let server: PostgresServer;
    let admin: Client;
    let pool: ControlPool;
    let verifiers: VerifierSource;

    beforeAll(async () => {
      directory = await temporaryDirectory('verify', { openToOthers: true });
      serverCertificate = makeCertificate(directory.path, 'server');
      ownCertificate = makeCertificate(directory.path, 'proxy');
      server = await startPostgres({
        binaries,
        settings: serverTlsSettings(serverCertificate),
        hba: [
          'host all trusted all trust',
          'host all hashed all md5',
          'host all open all password',
          'host all rejected all reject',
          'host all all all scram-sha-256',
        ],
      });
      admin = new Client(server.connectionOptions('postgres'));
      await admin.connect();
      const literal = admin.escapeLiteral(password);
      for (const role of ['plain', 'open', 'rejected', 'expired', 'current', 'changing', ...strangeNames]) {
        await admin.query(`create role ${admin.escapeIdentifier(role)} login password ${literal}`);
      }
      await admin.query(`
        alter role expired valid until '2001-01-01';
        alter role current valid until 'infinity';
        create role trusted login;
        create role passwordless login;
        create role group_role nologin password ${literal};
        set password_encryption = 'md5';
        create role hashed login password ${literal};
        create role legacy login password ${literal};
        reset password_encryption;
      `);
      pool = openPool({ ...server.connectionOptions('postgres'), maxConnections: 2 });
      verifiers = new VerifierQuery(pool);
    });

    afterAll(async () => {
      await admin?.end();
      await pool?.[Symbol.asyncDispose]();
      await server?.stop();
      await directory?.[Symbol.asyncDispose]();
    });

    interface Legs {
      readonly client?: Certificate | undefined;
      readonly upstream?: 'disable' | 'require';
      readonly source?: VerifierSource;
      readonly to?: PostgresServer;
    }

    function proxyWith({
      client,
      upstream = 'disable',
      source = verifiers,
      to = server,
    }: Legs = {}): Promise<RecordedProxy> {
      const tls = loadServerTls({ mode: upstream, ca: undefined, certificate: undefined, key: undefined });
      const clientTls =
        client === undefined
          ? undefined
          : new ClientTls(
              {
                mode: 'prefer',
                certificate: client.certificate,
                key: client.key,
                clientCa: undefined,
                minimumVersion: 'TLSv1.2',
              },
              silent,
            );
      const address = { host: '127.0.0.1', port: to.port, tls };
      return startProxy(
        server.port,
        { postgres: new ScriptedEngine() },
        { upstream: address, clientTls, verifiers: source },
      );
    }

    /** What psql gets from `select current_user`, or its complaint. */
    async function ask(
      port: number,
      user: string,
      environment: Readonly<Record<string, string>> = {},
    ): Promise<string> {
      const env = {
        ...process.env,
        ...server.environment('postgres'),
        PGPORT: String(port),
        PGUSER: user,
        PGPASSWORD: password,
        PGSSLMODE: 'disable',
        ...environment,
      };
      try {
        return (await run(psql ?? '', ['-wXAtc', 'select current_user'], { env })).stdout.trim();
      } catch (error) {
        return (error as { stderr: string }).stderr.replaceAll(/^.*(FATAL|ERROR)/gm, '$1').trim();
      }
    }

    const legs = [
      ['none', 'disable', {}],
      ['none', 'require', {}],
      ['own', 'disable', { PGSSLMODE: 'require' }],
      ['own', 'require', { PGSSLMODE: 'require' }],
      ['the same', 'require', { PGSSLMODE: 'require' }],
    ] as const;

    test.each(legs)(
      'certificate for clients: %s, TLS to the server: %s',
      async (shown, upstream, environment) => {
        const client = shown === 'none' ? undefined : shown === 'own' ? ownCertificate : serverCertificate;
        await using proxy = await proxyWith({ client, upstream });
        for (const binding of ['require', 'prefer', 'disable']) {
          const answer = await ask(proxy.port, 'plain', { ...environment, PGCHANNELBINDING: binding });
          if (binding === 'require' && shown === 'none') expect(answer).toMatch(/channel binding required/);
          else expect([binding, answer]).toEqual([binding, 'plain']);
        }
        expect(proxy.complaints).toEqual([]);
      },
    );

    test.each([
      ['RSA, SHA-512', ['-newkey', 'rsa:2048', '-sha512'], true],
      // RFC 5929 knows no binding for it: PostgreSQL offers one all the same, and libpq then gives up.
      ['Ed25519', ['-newkey', 'ed25519'], false],
    ] as const)('a certificate of another kind on both legs: %s', async (_title, kind, hasBinding) => {
      const name = 'DNS:localhost,IP:127.0.0.1';
      const [shown, own] = ['kind-server', 'kind-proxy'].map((file) =>
        makeCertificate(directory.path, file, name, kind),
      );
      if (shown === undefined) throw new Error('there are two');
      await using other = await startPostgres({ binaries, settings: serverTlsSettings(shown) });
      const client = new Client(other.connectionOptions('postgres'));
      await client.connect();
      await client.query(`create role plain login password ${client.escapeLiteral(password)}`);
      await client.end();
      await using otherPool = openPool(other.connectionOptions('postgres'));
      const source = new VerifierQuery(otherPool);
      await using proxy = await proxyWith({ client: own, upstream: 'require', source, to: other });
      const asWith = (PGCHANNELBINDING: string) =>
        ask(proxy.port, 'plain', { PGSSLMODE: 'require', PGCHANNELBINDING });
      expect(await asWith('prefer')).toBe('plain');
      expect(await asWith('disable')).toBe('plain');
      const required = await asWith('require');
      if (hasBinding) expect(required).toBe('plain');
      else expect(required).toMatch(/channel binding/);
    });

    test('who is refused is refused in the words of the server', async () => {
      await using proxy = await proxyWith();
      await using behindTls = await proxyWith({ client: ownCertificate, upstream: 'require' });
      for (const [user, given] of [
        ['plain', 'wrong'],
        ['nobody', password],
        ['legacy', password],
        ['expired', password],
        ['passwordless', password],
        ['group_role', password],
        ['rejected', password],
        ['trusted', 'anything'],
        ['hashed', password],
        ['hashed', 'wrong'],
        ['open', password],
        ['open', 'wrong'],
        ['current', password],
        ['x'.repeat(70), password],
      ] as const) {
        const direct = await ask(server.port, user, { PGPASSWORD: given });
        expect([user, await ask(proxy.port, user, { PGPASSWORD: given })]).toEqual([user, direct]);
        const encrypted = { PGPASSWORD: given, PGSSLMODE: 'require' };
        const directly = await ask(server.port, user, encrypted);
        expect([user, await ask(behindTls.port, user, encrypted)]).toEqual([user, directly]);
      }
    });

    test.each(strangeNames)('a role called %s', async (name) => {
      await using proxy = await proxyWith();
      expect(await ask(proxy.port, name)).toBe(name);
      expect(await ask(proxy.port, name, { PGPASSWORD: 'wrong' })).toMatch(/^FATAL: .*authentication failed/);
    });

    test('pg: statements and errors after the log-in, and a wrong password', async () => {
      await using proxy = await proxyWith({ client: ownCertificate, upstream: 'require' });
      const options = { ...server.connectionOptions('postgres'), port: proxy.port, user: 'plain', password };
      const ssl = { ca: ownCertificate.pem };
      for (const more of [{ ssl }, { ssl, enableChannelBinding: true }]) {
        const client = new Client({ ...options, ...more });
        await client.connect();
        try {
          const { rows } = await client.query('select $1::int + 1 as a', [41]);
          expect(rows).toEqual([{ a: 42 }]);
          await expect(client.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
        } finally {
          await client.end();
        }
        const wrong = new Client({ ...options, ...more, password: 'wrong' });
        await expect(wrong.connect()).rejects.toMatchObject({ code: '28P01', hint: undefined });
      }
    });

    test('postgres.js, and a wrong password', async () => {
      await using proxy = await proxyWith({ client: ownCertificate, upstream: 'require' });
      const options = { host: '127.0.0.1', port: proxy.port, database: 'postgres', user: 'plain', max: 1 };
      const ssl = { ca: ownCertificate.pem };
      const sql = postgres({ ...options, password, ssl });
      expect(await sql`select ${41}::int + 1 as a`).toEqual([{ a: 42 }]);
      await sql.end();
      const wrong = postgres({ ...options, password: 'wrong', ssl });
      await expect(wrong`select 1`).rejects.toMatchObject({ code: '28P01' });
      await wrong.end();
    });

    test('a replication connection', async () => {
      await using proxy = await proxyWith({ client: ownCertificate, upstream: 'require' });
      const env = {
        ...process.env,
        ...server.environment('postgres'),
        PGPORT: String(proxy.port),
        PGSSLMODE: 'require',
        PGCHANNELBINDING: 'require',
      };
      const { stdout } = await run(
        psql ?? '',
        ['-wXAt', 'dbname=postgres replication=database', '-c', 'IDENTIFY_SYSTEM'],
        { env },
      );
      expect(stdout).toMatch(/^\d+\|1\|[0-9A-F]+\/[0-9A-F]+\|postgres$/m);
    });

    test('the libpq of PostgreSQL 18: protocol 3.2, direct TLS, nothing but SCRAM', async () => {
      const library = join(postgresBinaryDirectory('embedded'), '..', 'lib');
      if (!existsSync(join(library, 'libpq.so.5'))) return;
      await using proxy = await proxyWith({ client: ownCertificate, upstream: 'require' });
      const environment = {
        LD_LIBRARY_PATH: library,
        PGSSLMODE: 'require',
        PGSSLNEGOTIATION: 'direct',
        PGCHANNELBINDING: 'require',
        PGREQUIREAUTH: 'scram-sha-256',
        PGMAXPROTOCOLVERSION: 'latest',
      };
      expect(await ask(proxy.port, 'plain', environment)).toBe('plain');
      expect(await ask(proxy.port, 'trusted', environment)).toMatch(/requirement/);
    });

    test('a changed password holds at once', async () => {
      await using proxy = await proxyWith();
      const change = (text: string) =>
        admin.query(`alter role changing password ${admin.escapeLiteral(text)}`);
      const login = (text: string) => ask(proxy.port, 'changing', { PGPASSWORD: text });
      expect(await login(password)).toBe('changing');
      await change('another');
      expect(await login(password)).toMatch(/authentication failed/);
      expect(await login('another')).toBe('changing');
      await change(password);
      expect(await login(password)).toBe('changing');
    });

    test('a verifier that is not the server’s lets nobody in, with the old password or the new', async () => {
      const { rows } = await admin.query(`select rolpassword from pg_authid where rolname = 'changing'`);
      const stale = { find: () => Promise.resolve<string>(rows[0].rolpassword) };
      await using proxy = await proxyWith({ source: stale });
      await admin.query(`alter role changing password 'another'`);
      try {
        for (const given of [password, 'another']) {
          expect(await ask(proxy.port, 'changing', { PGPASSWORD: given })).toMatch(/authentication failed/);
        }
      } finally {
        await admin.query(`alter role changing password ${admin.escapeLiteral(password)}`);
      }
    });

    test('a password changed between the question and the proof: the server decides', async () => {
      const source = {
        find: async (user: string, signal: AbortSignal) => {
          const verifier = await verifiers.find(user, signal);
          await admin.query(`alter role changing password 'changed meanwhile'`);
          return verifier;
        },
      };
      await using proxy = await proxyWith({ source });
      try {
        // It has read the old one before it offered SCRAM.
        expect(await ask(proxy.port, 'changing')).toBe('changing');
        expect(await ask(proxy.port, 'changing')).toMatch(/authentication failed/);
      } finally {
        await admin.query(`alter role changing password ${admin.escapeLiteral(password)}`);
      }
    });

    test('a question that fails: the client learns that, the log learns why', async () => {
      const source = { find: () => Promise.reject(new Error('no permission for the secret table')) };
      await using proxy = await proxyWith({ source });
      const complaint = await ask(proxy.port, 'plain');
      expect(complaint).toMatch(/^FATAL: {2}the proxy cannot verify passwords at the moment/);
      expect(complaint).not.toMatch(/secret/);
      await until('the session has ended', () => proxy.events.ends.length > 0);
      expect(proxy.events.ends).toEqual(['verifierUnavailable']);
      expect(proxy.complaints).toEqual(['a client cannot be verified: no permission for the secret table']);
      // Who is not asked for SCRAM is not concerned.
      expect(await ask(proxy.port, 'trusted')).toBe('trusted');
    });

    test('a question without an answer: it is given up with the client, and by the time limit', async () => {
      const signals: AbortSignal[] = [];
      const source = {
        find: (_user: string, signal: AbortSignal) => {
          signals.push(signal);
          return new Promise<string>(() => undefined);
        },
      };
      await using proxy = await proxyWith({ source });
      const client = await WireClient.open(proxy.port);
      client.send(startup('plain'));
      await client.until('R');
      client.close();
      await until('the question is given up', () => signals[0]?.aborted === true);

      await using hasty = await startProxy(
        server.port,
        {},
        { verifiers: source, limits: { loginTimeoutMs: 300 } },
      );
      expect(await ask(hasty.port, 'plain')).toMatch(/canceling authentication due to timeout/);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    });
  },
);
