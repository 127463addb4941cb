import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ControlConnectionError } from '../../../src/errors/control-connection-error';
import { ControlQueryError } from '../../../src/errors/control-query-error';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import { freePort } from '../../support/free-port';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

let server: PostgresServer;
let pool: ControlPool;
let other: ControlPool;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(() => {
  const options = server.connectionOptions('postgres');
  pool = openPool({ ...options, maxConnections: 2 });
  other = openPool(options);
});
afterEach(async () => {
  await pool[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

/** Statements containing the mark that are running now, on other connections than the asking one. */
async function running(mark: string): Promise<number> {
  const rows = await other.execute(
    'count',
    `select count(*)::int as n from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()`,
    [`%${mark}%`],
  );
  return Number(rows[0]?.['n']);
}

test('runs statements with parameters, and names itself', async () => {
  expect(await pool.execute('test', 'select $1::int + 1 as n', [41])).toEqual([{ n: 42 }]);
  expect(await pool.execute('test', `select current_setting('application_name') as name`)).toEqual([
    { name: 'pcache' },
  ]);
});

test('a statement the server refuses is told with its name, target and SQLSTATE, and the connection lives on', async () => {
  await pool.withClient(async (client) => {
    const pid = await client.execute('pid', 'select pg_backend_pid() as pid');
    const failure = client.execute('read-nothing.sql', 'select * from no_such_table');
    await expect(failure).rejects.toBeInstanceOf(ControlQueryError);
    await expect(failure).rejects.toMatchObject({
      sqlState: '42P01',
      message: expect.stringMatching(/read-nothing\.sql on 127\.0\.0\.1:\d+\/postgres as postgres: relation/),
    });
    expect(await client.execute('pid', 'select pg_backend_pid() as pid')).toEqual(pid);
  });
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a connection that listens and hears nothing is tried within minutes', async () => {
  await using _listening = await pool.listen('anything', () => undefined);
  const [, port] = /:(\d+)/.exec(pool.target) ?? [];
  const remote = `:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`;
  // What the system says of each connection: number, local and remote address, state, queues, timer (02: keepalive) and when it fires.
  const timers = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to?.endsWith(remote) === true && state === '01')
    .map((fields) => (fields[5] ?? '').split(':'));
  expect(timers.length).toBeGreaterThan(0);
  const ticksPerSecond = 100;
  for (const [kind, ticks = ''] of timers) {
    if (kind === '02') expect(parseInt(ticks, 16) / ticksPerSecond).toBeLessThan(300);
  }
  expect(timers.map(([kind]) => kind)).toContain('02');
});

test('nobody listening: the error names host, port, database and user', async () => {
  const port = await freePort();
  await using nowhere = openPool({ host: '127.0.0.1', port, database: 'd', user: 'u' });
  const failure = nowhere.execute('test', 'select 1');
  await expect(failure).rejects.toMatchObject({
    name: 'ControlConnectionError',
    reason: 'unreachable',
    message: expect.stringMatching(`^PostgreSQL at 127.0.0.1:${port}/d as u: .*ECONNREFUSED`),
  });
});

test('a wrong password: unreachable, without the password in the message', async () => {
  await using wrong = openPool({ ...server.connectionOptions('postgres'), password: 'wrong-secret' });
  const failure = wrong.execute('test', 'select 1');
  await expect(failure).rejects.toMatchObject({ reason: 'unreachable' });
  await expect(failure).rejects.toThrow(/password authentication failed/);
  await expect(failure).rejects.not.toThrow(/wrong-secret/);
});

test('no password where one is needed: says so, and asks neither environment nor ~/.pgpass', async () => {
  const { host, port, user, database } = server.connectionOptions('postgres');
  await using without = openPool({ host, port, user, database });
  await expect(without.execute('test', 'select 1')).rejects.toThrow(/password/);
});

test('a server that accepts and never answers: given up after the connect time-out', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await until('listening', () => silent.listening);
  const { port } = silent.address() as AddressInfo;
  try {
    await using waiting = openPool({
      host: '127.0.0.1',
      port,
      database: 'd',
      user: 'u',
      connectTimeoutMs: 200,
    });
    await expect(waiting.execute('test', 'select 1')).rejects.toMatchObject({ reason: 'unreachable' });
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

test('a statement past its time limit is cancelled on the server', async () => {
  const failure = pool.execute('slow', `select 'limit-mark', pg_sleep(600)`, [], { timeoutMs: 300 });
  await expect(failure).rejects.toMatchObject({
    reason: 'timeout',
    message: expect.stringContaining('slow gave no answer'),
  });
  expect(await running('limit-mark')).toBe(0);
});

test('an aborted statement is cancelled on the server and rejects with the reason', async () => {
  const controller = new AbortController();
  const failure = pool.execute('slow', `select 'abort-mark', pg_sleep(600)`, [], {
    signal: controller.signal,
  });
  const settled = expect(failure).rejects.toThrow('enough');
  await until('the statement runs', async () => (await running('abort-mark')) === 1);
  controller.abort(new Error('enough'));
  await settled;
  expect(await running('abort-mark')).toBe(0);
  expect(await pool.execute('test', 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('an abort while waiting for a connection is heeded at once, and the connection is not lost to the pool', async () => {
  const release: (() => void)[] = [];
  const holders = [1, 2].map(() =>
    pool.withClient(() => new Promise<void>((resolve) => release.push(resolve))),
  );
  await until('both connections are lent', () => release.length === 2);
  const controller = new AbortController();
  const waiting = pool.execute('test', 'select 1', [], { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  for (const each of release) each();
  await Promise.all(holders);
  expect(await Promise.all([1, 2, 3].map((n) => pool.execute('t', 'select $1::int as n', [n])))).toHaveLength(
    3,
  );
});

test('a connection left inside a transaction is not used again', async () => {
  const [first] = await pool.withClient(async (client) => {
    await client.execute('begin', 'begin');
    return client.execute('pid', 'select pg_backend_pid() as pid');
  });
  const [second] = await pool.execute('pid', 'select pg_backend_pid() as pid');
  expect(second).not.toEqual(first);
});

test('a connection terminated in mid-statement: lost, and the next statement gets a new one', async () => {
  const failure = pool.execute('slow', `select 'kill-mark', pg_sleep(600)`);
  const settled = expect(failure).rejects.toMatchObject({ reason: 'lost' });
  await until('the statement runs', async () => (await running('kill-mark')) === 1);
  await other.execute(
    'kill',
    `select pg_terminate_backend(pid) from pg_stat_activity where query like '%kill-mark%' and pid <> pg_backend_pid()`,
  );
  await settled;
  expect(await pool.execute('test', 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('idle connections lost in a restart of the server are reported, and replaced', async () => {
  const losses: ControlConnectionError[] = [];
  await using watched = openPool({
    ...server.connectionOptions('postgres'),
    onIdleLoss: (error) => losses.push(error),
  });
  await watched.execute('test', 'select 1');
  await server.restart();
  await until('the loss is reported', () => losses.length === 1);
  expect(losses[0]).toBeInstanceOf(ControlConnectionError);
  expect(await watched.execute('test', 'select 1 as n')).toEqual([{ n: 1 }]);
});
