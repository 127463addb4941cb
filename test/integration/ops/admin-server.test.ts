import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { StartError } from '../../../src/errors/start-error';
import { AdminServer } from '../../../src/ops/admin/admin-server';
import { Readiness } from '../../../src/ops/admin/readiness';
import { upstreamCheck } from '../../../src/ops/admin/upstream-check';
import { createLog } from '../../../src/ops/log/create-log';
import { Metrics } from '../../../src/ops/metrics/metrics';
import { freePort } from '../../support/free-port';
import { PostgresServer } from '../../support/postgres-server';
import { parseMetrics } from '../../support/prometheus-text';

const host = '127.0.0.1';
const logged: string[] = [];
const log = createLog({ level: 'info', format: 'json', sql: false }, { write: (line) => logged.push(line) });

interface Parts {
  readonly readiness: Readiness;
  readonly url: string;
  readonly port: number;
}

async function withAdmin(
  use: (parts: Parts) => Promise<void>,
  metrics: { contentType: string; text(): Promise<string> } = new Metrics({ version: '1' }),
): Promise<void> {
  const readiness = new Readiness({ log, timeoutMs: 500 });
  await using server = new AdminServer({ listen: { host, port: 0 }, metrics, readiness, log });
  const { port } = await server.start();
  await use({ readiness, port, url: `http://${host}:${port}` });
}

/** A TCP server that does with each connection what the test says. */
async function withTcpServer(
  onConnection: Parameters<typeof createServer>[1],
  use: (port: number) => Promise<void>,
): Promise<void> {
  const server: Server = createServer(onConnection as never);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

describe('AdminServer', () => {
  test('/metrics is Prometheus text', () =>
    withAdmin(async ({ url }) => {
      const response = await fetch(`${url}/metrics`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(parseMetrics(await response.text()).get('pcache_connections')).toBe(0);
    }));

  test('/metrics that cannot be had in time are a 503', () => {
    const metrics = { contentType: 'text/plain', text: () => new Promise<string>(() => undefined) };
    return withAdmin(async ({ url }) => {
      expect((await fetch(`${url}/metrics`)).status).toBe(503);
    }, metrics);
  });

  test('/healthz is ok as long as the process lives, ready or not', () =>
    withAdmin(async ({ url, readiness }) => {
      for (const phase of ['starting', 'draining']) {
        if (phase === 'draining') readiness.markDraining();
        const response = await fetch(`${url}/healthz?probe=1`);
        expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
      }
    }));

  test('/readyz says 503 and why: while starting, while a check fails, while draining', () =>
    withAdmin(async ({ url, readiness }) => {
      const ask = async () => {
        const response = await fetch(`${url}/readyz`);
        expect(response.headers.get('content-type')).toBe('application/json');
        return [response.status, await response.json()];
      };
      const proxy = (reason: string) => [
        503,
        { ready: false, degraded: false, reasons: [{ check: 'proxy', reason }] },
      ];
      let trouble: string | undefined;
      readiness.addCheck({ name: 'disk', run: () => Promise.resolve(trouble) });

      expect(await ask()).toEqual(proxy('the proxy is still starting'));
      readiness.markRunning();
      expect(await ask()).toEqual([200, { ready: true, degraded: false, reasons: [] }]);
      trouble = 'full';
      const reasons = [{ check: 'disk', reason: 'full' }];
      expect(await ask()).toEqual([503, { ready: false, degraded: false, reasons }]);
      expect(logged.join('')).toMatch(/"msg":"not ready"/);
      trouble = undefined;
      expect(await ask()).toEqual([200, { ready: true, degraded: false, reasons: [] }]);
      readiness.markDraining();
      expect(await ask()).toEqual(proxy('the proxy is shutting down'));
      readiness.markRunning();
      expect(await ask()).toEqual(proxy('the proxy is shutting down'));
    }));

  test('/readyz says 200 and what works less well, where clients can do without', () =>
    withAdmin(async ({ url, readiness }) => {
      let trouble: string | undefined = 'away';
      readiness.addCheck({ name: 'cache', isVital: false, run: () => Promise.resolve(trouble) });
      readiness.addCheck({ name: 'upstream', run: () => Promise.resolve(undefined) });
      readiness.markRunning();
      const ask = async () => {
        const response = await fetch(`${url}/readyz`);
        return [response.status, await response.json()];
      };
      const reasons = [{ check: 'cache', reason: 'away' }];
      expect(await ask()).toEqual([200, { ready: true, degraded: true, reasons }]);
      trouble = undefined;
      expect(await ask()).toEqual([200, { ready: true, degraded: false, reasons: [] }]);
      trouble = 'away again';
      await ask();
      expect(logged.join('')).toMatch(/"msg":"ready, but degraded"/);
    }));

  test('a check that throws or hangs is one that failed, and does not hide the others', () =>
    withAdmin(async ({ url, readiness }) => {
      readiness.addCheck({ name: 'broken', run: () => Promise.reject(new Error('oops')) });
      readiness.addCheck({ name: 'slow', run: () => new Promise(() => undefined) });
      readiness.addCheck({ name: 'fine', run: () => Promise.resolve(undefined) });
      readiness.markRunning();
      expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
        ready: false,
        degraded: false,
        reasons: [
          { check: 'broken', reason: 'oops' },
          { check: 'slow', reason: 'no answer within 500 ms' },
        ],
      });
    }));

  test('probes at the same time share one run of the checks', () =>
    withAdmin(async ({ url, readiness }) => {
      let runs = 0;
      let finish: (value: undefined) => void = () => undefined;
      const held = new Promise<undefined>((resolve) => (finish = resolve));
      readiness.addCheck({ name: 'counted', run: () => (runs++, held) });
      readiness.markRunning();
      const first = readiness.report();
      const second = readiness.report();
      finish(undefined);
      await Promise.all([first, second]);
      expect(runs).toBe(1);
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      expect(runs).toBe(2);
    }));

  test.each(['/', '/metrics/', '/metric', '//healthz', '/%6detrics'])('refuses: %s with 404', (path) =>
    withAdmin(async ({ url }) => {
      const response = await fetch(url + path);
      expect([response.status, await response.text()]).toEqual([
        404,
        'no such page; there are /metrics, /healthz, /readyz\n',
      ]);
    }),
  );

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses: %s with 405', (method) =>
    withAdmin(async ({ url }) => {
      const response = await fetch(`${url}/metrics`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
    }),
  );

  test('answers HEAD without a body', () =>
    withAdmin(async ({ url }) => {
      const response = await fetch(`${url}/healthz`, { method: 'HEAD' });
      expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([
        200,
        '3',
        '',
      ]);
    }));

  test('metrics that cannot be read are a 500 and a log entry, and the server lives on', () =>
    withAdmin(
      async ({ url }) => {
        expect((await fetch(`${url}/metrics`)).status).toBe(500);
        expect((await fetch(`${url}/healthz`)).status).toBe(200);
        expect(logged.join('')).toMatch(/broken metric.*admin request failed/);
      },
      { contentType: 'text/plain', text: () => Promise.reject(new Error('broken metric')) },
    ));

  test('survives what is not HTTP', () =>
    withAdmin(async ({ url, port }) => {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(port, host, () => socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
        socket.once('close', () => resolve());
        socket.once('error', reject);
        socket.resume();
      });
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
    }));

  test('a port in use is a sentence that says which option to change', () =>
    withAdmin(async ({ port }) => {
      const readiness = new Readiness({ log });
      const metrics = new Metrics({ version: '1' });
      await using second = new AdminServer({ listen: { host, port }, metrics, readiness, log });
      const failure = second.start();
      await expect(failure).rejects.toBeInstanceOf(StartError);
      await expect(failure).rejects.toThrow(
        `cannot listen on ${host}:${port}: the port is in use. Stop the other program, or choose another admin.port`,
      );
    }));

  test('closes with a client connected, and twice', async () => {
    const readiness = new Readiness({ log });
    const metrics = new Metrics({ version: '1' });
    const server = new AdminServer({ listen: { host, port: 0 }, metrics, readiness, log });
    const { port } = await server.start();
    await (await fetch(`http://${host}:${port}/healthz`)).text();
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await expect(fetch(`http://${host}:${port}/healthz`)).rejects.toThrow();
  });
});

describe('upstreamCheck', () => {
  const check = (port: number, timeoutMs = 5000) =>
    upstreamCheck({ host, port }).run(AbortSignal.timeout(timeoutMs));

  test('finds a PostgreSQL server, and leaves nothing in its log', async () => {
    await using server = await PostgresServer.start();
    const before = server.logText;
    expect(await check(server.port)).toBeUndefined();
    expect(server.logText).toBe(before);
    await server.stop();
    expect(await check(server.port)).toMatch(/cannot be reached: .*ECONNREFUSED/);
  });

  test('refuses: nobody there', async () => {
    expect(await check(await freePort())).toMatch(/cannot be reached: .*ECONNREFUSED/);
  });

  test('refuses: a server that never says a word', () =>
    withTcpServer(
      (socket) => socket.resume(),
      async (port) => {
        expect(await check(port, 200)).toBe(`${host}:${port} does not answer`);
      },
    ));

  test('refuses: a server that hangs up', () =>
    withTcpServer(
      (socket) => socket.end(),
      async (port) => {
        expect(await check(port)).toBe(`${host}:${port} closed the connection`);
      },
    ));

  test('refuses: a server of something else', () =>
    withTcpServer(
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      async (port) => {
        expect(await check(port)).toMatch(/is not a PostgreSQL server/);
      },
    ));
});
