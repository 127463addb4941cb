import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { makeCertificate, serverTlsSettings, type Certificate } from '../../support/certificates';
import { freePort } from '../../support/free-port';
import { PcacheProcess } from '../../support/pcache-process';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { parseMetrics } from '../../support/prometheus-text';
import { temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('places');
  const client = new Client(server.connectionOptions('places'));
  await client.connect();
  await client.query(`
    create role pcache login password 'sesame';
    create table place (id int primary key, region_id int not null, population int not null);
    insert into place select i, i % 100, i * 7919 % 10007 from generate_series(1, 20000) as i;
    grant select on place to pcache;
    analyze;
  `);
  await client.end();
});

afterAll(() => server.stop());

/** Everything on free ports; statements of any duration are learned from. */
function configuration(more = ''): string {
  return `
listen: { port: 0 }
admin: { port: 0 }
upstream: { port: ${server.port} }
cache: { path: ./cache }
population: { min_query_ms: 0, duty: 1 }
${more}
databases:
  places:
    control: { user: pcache, password_env: PASSWORD }
    partition_keys:
      region: { datatype: integer, consistency: static, tables: { public.place: region_id } }
`;
}

interface Running {
  readonly program: PcacheProcess;
  readonly port: number;
  readonly admin: string;
  readonly directory: string;
}

/** Runs the proxy on a configuration, waits until it accepts connections, and kills it in the end if it still lives. */
async function withProxy(text: string, use: (running: Running) => Promise<void>): Promise<void> {
  await using directory = await temporaryDirectory('proxy');
  await using program = startProxy(directory.path, text);
  const { listen, admin } = (await program.logged('accepting connections')) as Record<
    string,
    { port: number }
  >;
  await use({
    program,
    port: listen!.port,
    admin: `http://127.0.0.1:${admin!.port}`,
    directory: directory.path,
  });
}

function startProxy(directory: string, text: string): PcacheProcess {
  const file = join(directory, 'pcache.yaml');
  writeFileSync(file, text);
  const environment = { PASSWORD: 'sesame' };
  return new PcacheProcess(['proxy', '--config', file], { environment, workingDirectory: directory });
}

async function withClient(port: number, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ ...server.connectionOptions('places'), port });
  // A session ended by the proxy is what some tests are about.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function metricsOf(admin: string): Promise<ReadonlyMap<string, number>> {
  return parseMetrics(await (await fetch(`${admin}/metrics`)).text());
}

const question = 'select id from place where population < 20 order by id';

describe('pcache proxy', () => {
  test('learns from a statement, restricts it, and returns the same rows', () =>
    withProxy(configuration(), ({ port, admin }) =>
      withClient(port, async (client) => {
        expect(await (await fetch(`${admin}/readyz`)).json()).toEqual({
          ready: true,
          degraded: false,
          reasons: [],
        });
        const { rows } = await client.query(question);
        expect(rows.length).toBeGreaterThan(0);
        await until('the statement is restricted', async () => {
          expect((await client.query(question)).rows).toEqual(rows);
          return (await metricsOf(admin)).get('pcache_statements_total{outcome="hit"}')! > 0;
        });
        const metrics = await metricsOf(admin);
        expect(metrics.get('pcache_connections')).toBe(1);
        expect(metrics.get('pcache_population_runs_total{status="ok"}')).toBe(1);
        expect(metrics.get('pcache_directory_entries{partition_key="region",status="ok"}')).toBe(1);
        expect(metrics.get('pcache_key_set_bytes')).toBeGreaterThan(0);
        expect(metrics.get('pcache_plan_seconds_count')).toBeGreaterThan(0);
        expect(metrics.get('pcache_statement_seconds_count{form="restricted"}')).toBeGreaterThan(0);
        expect(metrics.get('pcache_relayed_bytes_total{side="upstream"}')).toBeGreaterThan(100);
      }),
    ));

  test('mode off relays and opens no cache', () =>
    withProxy(configuration('mode: off'), ({ port, directory }) =>
      withClient(port, async (client) => {
        expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
        expect(existsSync(join(directory, 'cache'))).toBe(false);
      }),
    ));

  test('SIGTERM: not ready, running statements finish, idle sessions end with 57P01, exit code 0', () =>
    withProxy(configuration(), async ({ program, port, admin }) => {
      await withClient(port, (idle) =>
        withClient(port, async (busy) => {
          const ended = new Promise<unknown>((resolve) => idle.once('error', resolve));
          const running = busy.query('select pg_sleep(1.5), 42 as answer');
          await until('the statement runs', async () => {
            const client = new Client(server.connectionOptions('postgres'));
            await client.connect();
            const { rows } = await client.query(
              `select 1 from pg_stat_activity where query like 'select pg_sleep(1.5)%' and state = 'active'`,
            );
            await client.end();
            return rows.length === 1;
          });
          program.send('SIGTERM');
          expect(await ended).toMatchObject({ code: '57P01' });
          const readiness = await fetch(`${admin}/readyz`);
          expect([readiness.status, await readiness.json()]).toEqual([
            503,
            {
              ready: false,
              degraded: false,
              reasons: [{ check: 'proxy', reason: 'the proxy is shutting down' }],
            },
          ]);
          expect((await fetch(`${admin}/healthz`)).status).toBe(200);
          expect((await running).rows).toMatchObject([{ answer: 42 }]);
        }),
      );
      const { code, signal, stdout, stderr } = await program.ended;
      expect([code, signal, stdout]).toEqual([0, null, '']);
      expect(stderr).toContain('"msg":"ended"');
      expect(stderr).not.toContain('keeps the process alive');
    }));

  test('a second SIGTERM ends the process at once, with exit code 1', () =>
    withProxy(configuration(), ({ program, port }) =>
      withClient(port, async (client) => {
        await client.query('begin');
        program.send('SIGTERM');
        await program.logged('shutting down; a second signal ends the process at once');
        program.send('SIGTERM');
        expect(await program.ended).toMatchObject({ code: 1, signal: null });
      }),
    ));

  test('SIGTERM: a transaction that does not end is cut off at the deadline', () =>
    withProxy(configuration('limits: { drain_timeout_ms: 200 }'), ({ program, port }) =>
      withClient(port, async (client) => {
        await client.query('begin');
        program.send('SIGTERM');
        expect(await program.ended).toMatchObject({ code: 0 });
      }),
    ));

  test.each([1, 2])('SIGTERM: of the longest deadline there is time, with %i worker(s)', (workers) =>
    withProxy(
      configuration(`limits: { drain_timeout_ms: ${2 ** 31 - 1} }\nworkers: ${workers}`),
      ({ program, port }) =>
        withClient(port, async (client) => {
          await client.query('begin');
          program.send('SIGTERM');
          await program.logged('shutting down; a second signal ends the process at once');
          expect((await client.query('select pg_sleep(1), 42 as answer')).rows).toMatchObject([
            { answer: 42 },
          ]);
          await client.query('commit');
          expect(await program.ended).toMatchObject({ code: 0 });
        }),
    ),
  );

  test('SIGHUP: the catalog is read again and sessions go on', () =>
    withProxy(configuration(), ({ program, port }) =>
      withClient(port, async (client) => {
        program.send('SIGHUP');
        await program.logged(
          'SIGHUP: reading the configuration, the certificate, the user file and the catalog again',
        );
        expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      }),
    ));

  test('TLS on both sides, also for the connections of its own; SIGHUP brings a new certificate', async () => {
    await using files = await temporaryDirectory('tls', { openToOthers: true });
    const [shown, next] = [makeCertificate(files.path, 'shown'), makeCertificate(files.path, 'next')];
    const live = { certificate: join(files.path, 'live.crt'), key: join(files.path, 'live.key') };
    const install = (from: Certificate): void => {
      copyFileSync(from.certificate, live.certificate);
      copyFileSync(from.key, live.key);
    };
    install(shown);
    // Whoever comes without TLS is turned away, whether it is a client's session or one of the proxy's own.
    await using strict = await startPostgres({
      settings: serverTlsSettings(shown),
      hba: ['hostssl all all all scram-sha-256'],
    });
    const encrypted = { rejectUnauthorized: false };
    const admin = new Client({ ...strict.connectionOptions('postgres'), ssl: encrypted });
    await admin.connect();
    await admin.query(`create role pcache login password 'sesame'; create table place (region_id int)`);
    await admin.end();
    const text = configuration()
      .replace('places:', 'postgres:')
      .replace(
        /listen: .*/,
        `listen: { port: 0, tls: { mode: require, certificate: ${live.certificate}, key: ${live.key} } }`,
      )
      .replace(
        /upstream: .*/,
        `upstream: { port: ${strict.port}, tls: { mode: verify-full, ca: ${shown.certificate} } }`,
      );
    await withProxy(text, async ({ program, port }) => {
      const ask = async ({ pem }: Certificate): Promise<unknown> => {
        const client = new Client({ ...strict.connectionOptions('postgres'), port, ssl: { ca: pem } });
        await client.connect();
        const { rows } = await client.query(
          `select count(*) > 0 as own from pg_stat_ssl join pg_stat_activity using (pid) where ssl and usename = 'pcache'`,
        );
        await client.end();
        return rows[0].own;
      };
      await until('the proxy has a connection of its own', () => ask(shown));
      install(next);
      program.send('SIGHUP');
      await program.logged('the certificate was read again');
      expect(await ask(next)).toBe(true);
      await expect(ask(shown)).rejects.toThrow(/self-signed/);
    });
  });

  test('refuses: a certificate that is not there, with exit code 1', async () => {
    await using directory = await temporaryDirectory('proxy');
    const text = configuration().replace(
      /listen: .*/,
      'listen: { port: 0, tls: { mode: prefer, certificate: a, key: b } }',
    );
    await using program = startProxy(directory.path, text);
    const { code, stderr } = await program.ended;
    expect(stderr).toMatch(/pcache: listen.tls: a certificate or key cannot be used: .*ENOENT/);
    expect(code).toBe(1);
  });

  test('refuses: a socket directory that is not there, with exit code 1', async () => {
    await using directory = await temporaryDirectory('proxy');
    const text = configuration().replace(/listen: .*/, 'listen: { port: 0, socket_directory: nowhere }');
    await using program = startProxy(directory.path, text);
    const { code, stderr } = await program.ended;
    expect(stderr).toMatch(/pcache: cannot make a unix socket: .*nowhere.*Check listen.socket_directory/);
    expect(code).toBe(1);
  });

  test('not ready while the server is away, ready again when it is back; the proxy stays up', async () => {
    await using own = await startPostgres();
    const text = `listen: { port: 0 }\nadmin: { port: 0 }\nupstream: { port: ${own.port} }`;
    await withProxy(text, async ({ admin, program }) => {
      const isReady = async () => (await fetch(`${admin}/readyz`)).status === 200;
      expect(await isReady()).toBe(true);
      await own.crash();
      expect(await isReady()).toBe(false);
      await program.logged('not ready');
      await own.restart();
      expect(await isReady()).toBe(true);
      await program.logged('ready again');
    });
  });

  test('says that nothing can be restricted where the control role is not let in', async () => {
    const text = configuration().replace('user: pcache', 'user: nobody');
    await withProxy(text, async ({ admin }) => {
      const report = async (): Promise<unknown> => (await fetch(`${admin}/readyz`)).json();
      await until('it is told', async () =>
        JSON.stringify(await report()).includes('the catalog cannot be read'),
      );
      expect(await report()).toEqual({
        ...{ ready: true, degraded: true },
        reasons: [
          {
            check: 'database places',
            reason: expect.stringMatching(/^the catalog cannot be read: .*password authentication failed/),
          },
        ],
      });
    });
  });

  test('starts without a server: it may come later', async () => {
    const text = configuration().replace(/upstream: .*/, `upstream: { port: ${await freePort()} }`);
    await withProxy(text, async ({ admin }) => {
      expect(await (await fetch(`${admin}/readyz`)).json()).toMatchObject({
        ready: false,
        reasons: expect.arrayContaining([
          { check: 'upstream', reason: expect.stringMatching(/cannot be reached: .*ECONNREFUSED/) },
        ]),
      });
    });
  });

  test.each(['listen', 'admin'])('refuses: a port in use for %s, with exit code 1', async (section) => {
    await using directory = await temporaryDirectory('proxy');
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = occupant.address() as { port: number };
      const text = configuration().replace(`${section}: { port: 0 }`, `${section}: { port: ${port} }`);
      await using program = startProxy(directory.path, text);
      const { code, stderr } = await program.ended;
      expect(stderr).toContain(
        `pcache: cannot listen on 127.0.0.1:${port}: the port is in use. Stop the other program, or choose another ${section}.port\n`,
      );
      expect(code).toBe(1);
    } finally {
      occupant.close();
    }
  });

  test('refuses: a cache directory in use, with exit code 1 and what to do', () =>
    withProxy(configuration(), async ({ directory }) => {
      await using second = startProxy(directory, configuration());
      const { code, stderr } = await second.ended;
      expect(stderr).toMatch(
        /pcache: the cache directory .* is in use by another process; stop what uses it/,
      );
      expect(code).toBe(1);
    }));

  test('refuses: a configuration that is wrong, with exit code 2', async () => {
    await using directory = await temporaryDirectory('proxy');
    await using program = startProxy(directory.path, 'mode: perhaps');
    const { code, stderr } = await program.ended;
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/mode: expected "on", "verify", "observe" or "off"/),
    ]);
  });
});
