import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import postgres from 'postgres';
import { romes } from '../support/changing-data';
import { findPostgresProgram, type ConnectionOptions } from '../support/postgres-server';
import { describeWith } from '../support/postgres-versions';
import { ProxiedDatabase } from '../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';
import { WireClient } from '../support/wire-client';

const run = promisify(execFile);
const rome = `select id, region_id from place where name = 'Rome'`;

let database: ProxiedDatabase;
let directory: TemporaryDirectory;

const as = (user: string, name = 'pcache'): ConnectionOptions & { user: string; password: string } => ({
  ...database.through,
  ...{ user, password: user, database: name },
});
const connect = async (options: object): Promise<Client> => {
  const client = new Client(options);
  await client.connect();
  return client;
};
const isRestricted = async (client: Client): Promise<boolean> => {
  const before = await database.hits();
  expect((await client.query(rome)).rows).toHaveLength(romes);
  return (await database.hits()) > before;
};
const restricts = (client: Client): Promise<unknown> =>
  until('statements are restricted', () => isRestricted(client), { deadlineMs: 30_000 });

beforeAll(async () => {
  directory = await temporaryDirectory('spans');
  database = await ProxiedDatabase.start({
    environment: {
      NODE_OPTIONS: `--import ${join(__dirname, '../support/tracing-sdk.mjs')}`,
      SPANS_FILE: join(directory.path, 'spans'),
    },
    sections: { admin: { port: 0, users: 'boss, nobody' }, limits: { max_sessions: 20 } },
    prepare: async (connection) => {
      const client = await connect(connection);
      for (const role of ['boss', 'guest'])
        await client.query(
          `create role ${role} login password '${role}'; grant select on place, visit to ${role}`,
        );
      await client.end();
    },
  });
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

describe('who may use the console', () => {
  test('a user of admin.users, whom the server has verified', async () => {
    const client = await connect(as('boss'));
    expect((await client.query('show version')).rows).toEqual([
      { version: expect.stringMatching(/^pcache \d/) },
    ]);
    await client.end();
  });

  test.each([
    ['another user of the server', { user: 'guest', password: 'guest' }, '42501'],
    ['a user of the server with a wrong password', { user: 'boss', password: 'x' }, '28P01'],
    ['one the server does not know', { user: 'nobody', password: 'nobody' }, '28P01'],
  ])('not %s', async (_, own, code) => {
    await expect(connect({ ...as('boss'), ...own })).rejects.toMatchObject({ code });
  });

  test('settings of the client do not reach the server that verifies', async () => {
    const options = '-c session_authorization=boss -c log_statement=all';
    await expect(connect({ ...as('guest'), options })).rejects.toMatchObject({ code: '42501' });
  });

  test('no connection to the server remains', async () => {
    const client = await connect(as('boss'));
    const direct = await connect(database.direct);
    const count = async (): Promise<unknown> =>
      (await direct.query(`select count(*)::int as n from pg_stat_activity where usename = 'boss'`)).rows[0]
        .n;
    await until('the log-in is over', async () => (await count()) === 0);
    expect((await client.query('show clients')).rows).toContainEqual(
      expect.objectContaining({ user: 'boss', database: 'pcache', state: 'console', server_pid: null }),
    );
    await direct.end();
    await client.end();
  });
});

describe('commands', () => {
  let boss: Client;
  let client: Client;
  const rows = async (text: string): Promise<Record<string, unknown>[]> => (await boss.query(text)).rows;

  beforeAll(async () => {
    boss = await connect(as('boss'));
    client = await connect(database.through);
    await restricts(client);
  });
  afterAll(async () => {
    await boss.end();
    await client.end();
  });

  test('what became of statements, and what is known', async () => {
    const [stats] = await rows('SHOW STATS');
    expect(stats).toMatchObject({ database: 'matrix', trouble: null });
    expect(Number(stats?.['hits'])).toBeGreaterThan(0);
    const shapes = await rows('show queries limit 100;');
    expect(shapes).toContainEqual(
      expect.objectContaining({
        database: 'matrix',
        query: 'select id, region_id from place where name = $1',
        calls: expect.stringMatching(/^\d+$/),
        hit_rate: expect.any(Number),
      }),
    );
    const [entry] = await rows('show entries');
    expect(entry).toMatchObject({ partition_key: 'region', status: 'ok', newest_at: expect.any(Date) });
    const fragments = await rows('show fragments region limit 5');
    expect(fragments).toContainEqual(
      expect.objectContaining({ status: 'ok', fragment: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    );
    // Without log.sql nobody is shown a value.
    expect(JSON.stringify(fragments)).not.toContain('Rome');
    expect(await rows('show fragments nosuch')).toEqual([]);
    expect(await rows('show queue')).toMatchObject([
      { database: 'matrix', tier: 'fragments', waiting: expect.any(String) },
      { tier: 'statements' },
    ]);
    expect(await rows('show freshness')).toMatchObject([{ database: 'matrix', tracked: false }]);
    const config = await rows('show config');
    expect(config).toContainEqual({ option: 'databases.matrix.control.password_env', value: 'PASSWORD' });
    expect(JSON.stringify(config)).not.toContain('sesame');
    expect((await rows('show servers')).map(({ database: name }) => name)).toContain('matrix');
    expect((await rows('help')).map(({ command }) => command)).toContain('KILL id');
  });

  test('the mode is set for sessions that are open, through reloads, and given back', async () => {
    await boss.query('set mode off');
    expect(await isRestricted(client)).toBe(false);
    expect(await rows('show mode')).toEqual([
      { mode: 'off', set_by: 'operator', configured: 'on', population: 'elsewhere' },
    ]);
    await boss.query('reload');
    expect(await isRestricted(client)).toBe(false);
    await boss.query('SET MODE TO observe');
    expect(await isRestricted(client)).toBe(false);
    await boss.query('set mode = verify');
    await restricts(client);
    await boss.query('set mode default');
    await restricts(client);
    expect(await rows('show mode')).toMatchObject([{ mode: 'on', set_by: 'configuration' }]);
  });

  test('population is paused and resumed, entries are removed and learned anew', async () => {
    await boss.query('pause population');
    expect((await boss.query('invalidate table public.visit')).rowCount).toBe(0);
    const { command, rowCount } = await boss.query('invalidate table public.place');
    expect([command, Number(rowCount) > 0]).toEqual(['INVALIDATE', true]);
    expect(await isRestricted(client)).toBe(false);
    expect(await rows('show entries')).toEqual([]);
    expect(await rows('show mode')).toMatchObject([{ population: 'paused' }]);
    await boss.query('resume population');
    await restricts(client);
    for (const what of ['all', 'partition key region', `fragment '${'0'.repeat(64)}'`])
      await boss.query(`invalidate ${what}`);
    await restricts(client);
  });

  test('a statement is explained, a client is ended', async () => {
    const lines = await rows(`explain (pcache, verbose) ${rome}; `);
    expect(lines.map((line) => line['QUERY_PLAN']).join('\n')).toMatch(/pcache: restricted[^]*Rewritten:/);
    const [json] = await rows(`explain (pcache, database matrix, format json) ${rome}`);
    expect(JSON.parse(String(json?.['QUERY_PLAN']))).toMatchObject([{ pcache: { Restricted: true } }]);

    const victim = await connect(as('guest', 'matrix'));
    const ended = new Promise<unknown>((resolve) => victim.on('error', resolve));
    const { id } = (await rows('show clients')).find(({ user }) => user === 'guest') ?? {};
    await boss.query(`kill ${String(id)}`);
    expect(await ended).toMatchObject({ code: '57P01' });
    await expect(boss.query('kill 123456789')).rejects.toMatchObject({ code: '42704' });
  });

  test('a client is ended with 57P01 whatever it is doing, also in a database that is only relayed', async () => {
    const idOf = async (user: string): Promise<unknown> =>
      (await rows('show clients')).filter((client) => client['user'] === user).at(-1)?.['id'];
    const inBlock = await connect(as('guest', 'postgres'));
    const ended = new Promise<unknown>((resolve) => inBlock.on('error', resolve));
    await inBlock.query('begin');
    await boss.query(`kill ${String(await idOf('guest'))}`);
    expect(await ended).toMatchObject({ code: '57P01' });
    const waiting = await connect(as('guest', 'postgres'));
    waiting.on('error', () => undefined);
    const asleep = waiting.query('select pg_sleep(60)').catch((error: unknown) => error);
    await boss.query(`kill ${String(await idOf('guest'))}`);
    expect(await asleep).toMatchObject({ code: '57P01' });
    const itself = await connect(as('boss'));
    itself.on('error', () => undefined);
    await expect(itself.query(`kill ${String(await idOf('boss'))}`)).rejects.toMatchObject({ code: '57P01' });
  });

  test.each([
    ['an unknown one', 'SHOW STAT', '42601', 'Did you mean SHOW STATS?'],
    ['a wrong argument', 'set mode of', '42601', 'The form is: SET MODE { ON | VERIFY'],
    ['one argument too many', 'show stats all', '42601', 'The form is: SHOW STATS'],
    ['SQL', 'select * from place', '0A000', 'SHOW HELP'],
    ['a setting with a typing error', 'set mod off', '42704', 'Did you mean SET MODE?'],
    ['another encoding', `set client_encoding to 'latin1'`, '22023', ''],
    ['a quote that does not end', `invalidate partition key 'x`, '42601', ''],
  ])('%s is refused, and what would be right is said', async (_, text, code, hint) => {
    const error = await boss.query(text).then(undefined, (reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect((error as { hint?: string }).hint ?? '').toContain(hint);
    expect((await boss.query('select 1')).rows).toEqual([{ '?column?': '1' }]);
  });

  test('extended protocol: prepared, in parts, in binary, without parameters', async () => {
    const named = { name: 'mode', text: 'show mode' };
    expect((await boss.query(named)).rows).toEqual((await boss.query(named)).rows);
    const binary = { text: 'show clients', binary: true, values: [], rowMode: 'array' as const };
    const [row] = (await boss.query(binary)).rows;
    expect(row).toHaveLength(10);
    await expect(boss.query('kill $1', ['1'])).rejects.toMatchObject({
      code: '0A000',
      message: 'commands of the console take no parameters',
    });
    expect((await boss.query({ text: '', values: [] })).rows).toEqual([]);
  });

  test('postgres.js, as it is when nothing is said to it', async () => {
    const { host, port } = database.through;
    const sql = postgres({ host, port, ...{ user: 'boss', password: 'boss', database: 'pcache', max: 1 } });
    expect(await sql`show mode`).toMatchObject([{ mode: 'on' }]);
    await sql.unsafe(`set mode to 'DEFAULT'`);
    await sql.end();
  });

  test('what drivers send by themselves; nothing is changed in a block that ROLLBACK could end', async () => {
    for (const text of [
      `SET application_name = 'a'; SET extra_float_digits = 3; SET client_encoding TO 'UTF8'`,
      'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
      'BEGIN ISOLATION LEVEL SERIALIZABLE; show mode; COMMIT; DISCARD ALL; -- done',
    ])
      await boss.query(text);
    await boss.query('begin');
    await expect(boss.query('set mode off')).rejects.toMatchObject({ code: '25001' });
    await expect(boss.query('show mode')).rejects.toMatchObject({ code: '25P02' });
    expect((await boss.query('commit')).command).toBe('ROLLBACK');
    expect(await rows('show mode')).toMatchObject([{ mode: 'on' }]);
  });
});

describe('the log', () => {
  test('has statements that are slow or rewritten, and details of single parts, from a reload on', async () => {
    const client = await connect(database.through);
    await restricts(client);
    const quiet = ['slow statement', 'statement rewritten', 'statement restricted'];
    expect(quiet.flatMap((message) => database.logged(message))).toEqual([]);
    const options = 'log: { levels: { engine: debug }, slow_ms: 0.001, rewrites: { sample: 1 } }';
    expect(await database.reload((text) => `${text}\n${options}\n`)).toMatchObject({ changes: 3 });
    await restricts(client);
    await until('each is there', async () => quiet.every((message) => database.logged(message).length > 0));
    expect(database.logged('statement rewritten')[0]).toMatchObject({
      ...{ level: 'info', part: 'engine', database: 'matrix', coverage: 'full', outcome: 'complete' },
      query: 'select id, region_id from place where name = $1',
      rewritten: expect.stringMatching(/^select .*ANY \(\$2::/),
    });
    expect(JSON.stringify(quiet.flatMap((message) => database.logged(message)))).not.toContain('Rome');
    await database.reload((text) => text.replace(options, ''));
    await client.end();
  });
});

describeWith('psql', findPostgresProgram('psql'), (psql) => {
  const output = async (...args: string[]): Promise<string> => {
    const { user, password } = as('boss');
    const { stdout } = await run('/bin/sh', ['-c', '"$@" 2>&1 || :', 'sh', psql, '-X', ...args, 'pcache'], {
      env: {
        ...process.env,
        ...database.environment(database.through),
        ...{ PGUSER: user, PGPASSWORD: password },
      },
    });
    return stdout;
  };

  test('shows tables as those of a server', async () => {
    expect(await output('-c', 'show mode', '-c', 'set mode default')).toBe(
      [
        ' mode |    set_by     | configured | population ',
        '------+---------------+------------+------------',
        ' on   | configuration | on         | running',
        '(1 row)',
        '',
        'SET',
        '',
      ].join('\n'),
    );
  });

  test('several commands of one text, comments, and an error among them', async () => {
    const text = await output(
      '-c',
      '/* a /* nested */ one */ pause population; -- and\nresume population; show mood; show stats',
    );
    expect(text).toMatch(
      /^PAUSE\nRESUME\nERROR: {2}unknown command "SHOW MOOD"\nDETAIL: {2}There are SHOW STATS, /,
    );
    expect(text).toMatch(/HINT: {2}Did you mean SHOW MODE\?\n$/);
  });

  test('numbers to the right, expanded display, csv', async () => {
    expect(await output('-c', 'show stats')).toMatch(/\n matrix {3}\| +\d+ \| +\d+ \|/);
    expect(await output('-xtA', '-c', 'show queue')).toMatch(
      /^database\|matrix\ntier\|fragments\nwaiting\|0\n/,
    );
    expect(await output('--csv', '-c', 'show version')).toMatch(/^version\npcache [\d.]+\n$/);
  });
});

describe('traces, where an SDK is loaded', () => {
  test('a statement is part of the trace its comment names', async () => {
    const client = await connect(database.through);
    await restricts(client);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const comment = `/*app='a',traceparent='00-${traceId}-b7ad6b7169203331-01'*/`;
    expect((await client.query(`${rome} ${comment}`)).rows).toHaveLength(romes);
    const spans = (): Record<string, unknown>[] =>
      readFileSync(join(directory.path, 'spans'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    const own = await until('its spans are there', async () => {
      const found = spans().filter((span) => span['traceId'] === traceId);
      return found.some(({ name }) => name === 'pcache.upstream') ? found : undefined;
    });
    for (const name of ['pcache.plan', 'pcache.upstream'])
      expect(own.findLast((span) => span['name'] === name)).toMatchObject({
        parent: 'b7ad6b7169203331',
        attributes: { 'db.namespace': 'matrix', 'pcache.plan': 'rewrite', 'pcache.coverage': 'full' },
      });
    // The first may ask for the session's settings.
    const plans = own.filter(({ name }) => name === 'pcache.plan').map(({ spanId }) => spanId);
    expect(plans).toContain(own.find(({ name }) => name === 'pcache.analyse')?.['parent']);
    expect(JSON.stringify(spans())).not.toContain('Rome');
    await client.end();
  });
});

describe('hostile clients', () => {
  test('a message that is too large ends the session; others go on', async () => {
    const client = await connect(as('boss'));
    const ended = new Promise<unknown>((resolve) => client.on('error', resolve));
    const refused = client
      .query(`show mode -- ${'x'.repeat(300_000)}`)
      .then(undefined, (error: unknown) => error);
    expect([await refused, await ended]).toContainEqual(expect.objectContaining({ code: '54000' }));
    const next = await connect(as('boss'));
    await next.end();
  });

  test('one that does not read holds up nobody but itself', async () => {
    const client = await connect(as('boss'));
    const { stream } = (client as unknown as { connection: { stream: WireClient['socket'] } }).connection;
    client.on('error', () => undefined);
    stream.pause();
    const body = Buffer.from('show help;'.repeat(2_000) + '\0');
    const header = Buffer.alloc(5, 'Q');
    header.writeInt32BE(body.length + 4, 1);
    for (let i = 0; i < 200; i++) stream.write(Buffer.concat([header, body]));
    const other = await connect(as('boss'));
    expect((await other.query('show mode')).rows).toHaveLength(1);
    await other.end();
    stream.destroy();
  });

  test('consoles are open when all places of clients are taken', async () => {
    const clients: Client[] = [];
    const error = await until('no place is left', async () => {
      try {
        clients.push(await connect(as('guest', 'matrix')));
        return undefined;
      } catch (reason) {
        return reason;
      }
    });
    expect(error).toMatchObject({ code: '53300' });
    const boss = await connect(as('boss'));
    expect((await boss.query('show clients')).rows.length).toBeGreaterThanOrEqual(20);
    await boss.end();
    await Promise.all(clients.map((client) => client.end()));
  });
});

test('nothing is in the log that should not be', async () => {
  const expected = /the mode was changed by an operator|end="(notAdmin|drained)"|end="tooManyConnections"/;
  expect((await database.trouble()).filter((line) => !expected.test(line))).toEqual([]);
});

test('a request to cancel is taken, and SIGTERM ends a console once it is idle', async () => {
  const client = await connect(as('boss'));
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const cancel = await WireClient.open(database.port);
  const packet = Buffer.alloc(16);
  [16, 80877102, processID, secretKey].forEach((word, i) => packet.writeInt32BE(word, 4 * i));
  cancel.socket.write(packet);
  await until('it is delivered', async () => cancel.isClosed);
  expect(await client.query('begin; show mode')).toHaveLength(2);
  const ended = new Promise<unknown>((resolve) => client.once('error', resolve));
  database.signal('SIGTERM');
  await until('it is shutting down', async () => (await database.readiness()).status === 503);
  expect((await client.query('show mode')).rows).toHaveLength(1);
  client.on('error', () => undefined);
  // The answer to it may come in the same packet as the end.
  await client.query('rollback').catch((error: unknown) => expect(error).toMatchObject({ code: '57P01' }));
  expect(await ended).toMatchObject({ code: '57P01' });
});
