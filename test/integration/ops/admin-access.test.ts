import { request } from 'node:http';
import { connect } from 'node:net';
import { AdminServer, type AdminServerOptions } from '../../../src/ops/admin/admin-server';
import { plainReply } from '../../../src/ops/admin/http-reply';
import { Readiness } from '../../../src/ops/admin/readiness';
import { Secret } from '../../../src/ops/config/secret';
import { createLog } from '../../../src/ops/log/create-log';
import { Metrics } from '../../../src/ops/metrics/metrics';

const host = '127.0.0.1';
const token = 'correct-horse-battery';
const logged: string[] = [];
const log = createLog({ level: 'info', format: 'json', sql: false }, { write: (line) => logged.push(line) });

interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** As a browser or a program would: `fetch` may not set the headers that matter here. */
function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: object; body?: string } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, path, method, headers: { ...headers } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts).toString(),
        }),
      );
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const bearer = (shown: string) => ({ authorization: `Bearer ${shown}` });
const basic = (shown: string) => ({
  authorization: `Basic ${Buffer.from(`me:${shown}`).toString('base64')}`,
});

/** A server on which POST /change notes what it was given. */
async function withServer(
  access: AdminServerOptions['access'] | undefined,
  use: (port: number, changes: string[]) => Promise<void>,
): Promise<void> {
  const changes: string[] = [];
  const readiness = new Readiness({ log });
  readiness.markRunning();
  await using server = new AdminServer({
    ...{ listen: { host, port: 0 }, metrics: new Metrics({ version: '1' }), readiness, log },
    ...(access === undefined ? {} : { access }),
    actions: new Map([
      [
        '/change',
        async (fields) => {
          changes.push(fields.get('to') ?? '');
          return plainReply(200, 'changed');
        },
      ],
    ]),
  });
  const { port } = await server.start();
  await use(port, changes);
}

const open = { access: 'open', token: new Secret(token) } as const;
const closed = { access: 'token', token: new Secret(token) } as const;

describe('who may look', () => {
  test('open: whoever reaches the port', () =>
    withServer(open, async (port) => {
      expect((await ask(port, '/metrics')).status).toBe(200);
      expect((await ask(port, '/metrics', { headers: bearer('wrong') })).status).toBe(200);
    }));

  test('token: who shows it, as Bearer or as the password of Basic', () =>
    withServer(closed, async (port) => {
      const without = await ask(port, '/metrics');
      expect([without.status, without.headers['www-authenticate']]).toEqual([
        401,
        expect.stringMatching(/Basic .*Bearer/),
      ]);
      expect(without.body).not.toContain('pcache_');
      for (const headers of [bearer(token), basic(token), { authorization: `bearer  ${token}` }])
        expect((await ask(port, '/metrics', { headers })).status).toBe(200);
    }));

  test('refuses: another token; a browser asks its user again', () =>
    withServer(closed, async (port) => {
      for (const wrong of ['wrong', '', token.slice(1), `${token}x`, token.toUpperCase()]) {
        expect((await ask(port, '/metrics', { headers: basic(wrong) })).status).toBe(401);
        const expected = wrong === '' ? 401 : 403;
        expect((await ask(port, '/metrics', { headers: bearer(wrong) })).status).toBe(expected);
      }
      for (const authorization of ['Digest x', 'Basic', `Basic ${token}`, token, `Bearer ${token} x`])
        expect((await ask(port, '/metrics', { headers: { authorization } })).status).toBe(401);
    }));

  test('health and readiness stay open', () =>
    withServer(closed, async (port) => {
      expect((await ask(port, '/healthz')).status).toBe(200);
      expect((await ask(port, '/readyz')).status).toBe(200);
    }));
});

describe('who may change something', () => {
  const change = (port: number, headers: object, body = 'to=a') =>
    ask(port, '/change', { method: 'POST', headers: { ...form, ...headers }, body });

  test('who shows the token: in a header, or in the form', () =>
    withServer(open, async (port, changes) => {
      expect((await change(port, bearer(token), 'to=a')).status).toBe(200);
      expect((await change(port, basic(token), 'to=b')).status).toBe(200);
      expect((await change(port, {}, `to=c&token=${token}`)).status).toBe(200);
      expect((await change(port, bearer('mistyped before'), `to=d&token=${token}`)).status).toBe(200);
      expect(changes).toEqual(['a', 'b', 'c', 'd']);
    }));

  test.each([open, closed])(
    'refuses: nobody without it, 401, or with another, 403 (access: $access)',
    (access) =>
      withServer(access, async (port, changes) => {
        const without = await change(port, {});
        expect([without.status, without.headers['www-authenticate']]).toEqual([401, 'Bearer realm="pcache"']);
        expect((await change(port, {}, 'to=a&token=')).status).toBe(401);
        for (const wrong of [bearer('wrong'), basic('wrong'), bearer(token.slice(1)), bearer(`${token}x`)])
          expect((await change(port, wrong)).status).toBe(403);
        expect((await change(port, bearer(token), 'to=a&token=wrong')).status).toBe(403);
        expect(changes).toEqual([]);
      }),
  );

  test('refuses: everybody, where there is no token', async () => {
    for (const access of [undefined, { access: 'open', token: undefined } as const])
      await withServer(access, async (port, changes) => {
        for (const headers of [{}, bearer(''), bearer('undefined'), basic('')])
          expect((await change(port, headers)).status).toBe(403);
        expect(changes).toEqual([]);
      });
  });

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://${host}` },
    { origin: `http://${host}.evil.example` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'own' },
  ])('refuses: what comes from another site, though a browser adds what it knows: %j', (headers) =>
    withServer(closed, async (port, changes) => {
      const origin = 'origin' in headers && headers.origin === 'own' ? `http://${host}:${port}` : undefined;
      const sent = { ...headers, ...(origin === undefined ? {} : { origin }) };
      expect((await change(port, { ...basic(token), ...sent })).status).toBe(403);
      expect((await change(port, sent, `to=a&token=${token}`)).status).toBe(403);
      expect(changes).toEqual([]);
    }),
  );

  test('takes what comes from its own page', () =>
    withServer(open, async (port, changes) => {
      const headers = { 'sec-fetch-site': 'same-origin', origin: `http://${host}:${port}` };
      expect((await change(port, headers, `to=a&token=${token}`)).status).toBe(200);
      expect(changes).toEqual(['a']);
    }));

  test('refuses: other methods, kinds of bodies, and bodies without an end', () =>
    withServer(open, async (port, changes) => {
      const get = await ask(port, `/change?to=a&token=${token}`, { headers: bearer(token) });
      expect([get.status, get.headers['allow']]).toEqual([405, 'POST']);
      const json = {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'text/plain' },
        body: 'to=a',
      };
      expect((await ask(port, '/change', json)).status).toBe(415);
      const large = `to=${'a'.repeat(5_000)}`;
      expect((await change(port, bearer(token), large)).status).toBe(413);
      expect(changes).toEqual([]);
    }));

  test('a client that goes away in the middle of its form is nothing to tell of', () =>
    withServer(open, async (port, changes) => {
      const head = `POST /change HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\ncontent-type: ${form['content-type']}\r\n\r\n`;
      const before = logged.length;
      await new Promise<void>((resolve) => {
        const socket = connect(port, host, () => socket.write(`${head}to=a`, () => socket.destroy()));
        socket.once('close', () => resolve());
      });
      expect((await ask(port, '/healthz')).status).toBe(200);
      expect([changes, logged.slice(before)]).toEqual([[], []]);
    }));

  test('no reply, and no log, has the token in it', () =>
    withServer(closed, async (port) => {
      const replies = [
        await ask(port, '/metrics', { headers: bearer(`${token}x`) }),
        await change(port, bearer(token), `to=${token}`),
        await ask(port, `/nothing?token=${token}`),
      ];
      expect(replies.map(({ body }) => body).join('') + logged.join('')).not.toContain(token);
    }));
});
