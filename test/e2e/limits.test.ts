import { readFileSync } from 'node:fs';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { type ProxyLimits } from '../../src/proxy/proxy-limits';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { errorField, firstColumns, transcript, WireClient } from '../support/wire-client';

/** What a client may cost at most: time, idleness, the size of a message. All off, or out of reach, by default. */

const query = (text: string): Buffer => encodeQuery({ query: text });
const extended = (text: string): Buffer =>
  Buffer.concat([
    encodeParse({ statementName: '', query: text, parameterTypeOids: [] }),
    encodeBind({
      portalName: '',
      statementName: '',
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
    }),
    encodeExecute({ portalName: '', maxRows: 0 }),
    encodeSync(),
  ]);

describe('limits', () => {
  let server: PostgresServer;
  let engine: ScriptedEngine;
  let database: string;
  let proxy: RecordedProxy | undefined;

  beforeAll(async () => {
    server = await startPostgres({
      hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
    });
    database = await server.createDatabase();
  });

  afterAll(async () => {
    await server?.stop();
  });

  beforeEach(() => {
    engine = new ScriptedEngine();
  });

  afterEach(async () => {
    await proxy?.[Symbol.asyncDispose]();
    proxy = undefined;
  });

  /** A session through a proxy with limits; scanned, or relayed. */
  async function login(limits: Partial<ProxyLimits>, kind: string, extra = {}): Promise<WireClient> {
    proxy = await startProxy(server.port, kind === 'scanned' ? { [database]: engine } : {}, { limits });
    return WireClient.login(proxy.port, { user: server.user, database, ...extra });
  }

  async function outcome(client: WireClient, ...messages: Buffer[]): Promise<string | undefined> {
    client.send(...messages);
    const answer = await client.until('Z');
    const error = answer.find(({ type }) => type === 'E');
    return error === undefined ? 'complete' : errorField(error, 'C');
  }

  describe.each(['scanned', 'relayed'])('a statement that takes too long, %s', (kind) => {
    test('is canceled; the session goes on, and the time begins again', async () => {
      const client = await login({ queryTimeoutMs: 200 }, kind);
      for (const send of [query, extended]) {
        expect(await outcome(client, send('select pg_sleep(30)'))).toBe('57014');
        expect(await outcome(client, send('select 1'))).toBe('complete');
      }
      expect(proxy?.events.queryTimeouts).toBe(2);
      client.close();
    });

    test('an open transaction is none', async () => {
      const client = await login({ queryTimeoutMs: 60 }, kind);
      await outcome(client, query('begin'));
      const canceled = await WireClient.login(proxy?.port ?? 0, { user: server.user, database });
      expect(await outcome(canceled, query('select pg_sleep(30)'))).toBe('57014');
      expect(await outcome(client, query('commit'))).toBe('complete');
      client.close();
      canceled.close();
    });
  });

  test('the next statement, sent at the last moment, is not hit', async () => {
    const client = await login({ queryTimeoutMs: 30 }, 'scanned');
    for (let i = 0; i < 25; i++) {
      // Ends about when the request to cancel it is on its way.
      await outcome(client, query(`select pg_sleep(${0.028 + (i % 5) * 0.001})`));
      expect(await outcome(client, query('select i from generate_series(1, 1000) i'))).toBe('complete');
    }
    client.close();
  });

  test('a rewritten statement, passed on or held back, is canceled as such', async () => {
    const client = await login({ queryTimeoutMs: 200 }, 'scanned');
    for (const mustRetryOnError of [false, true]) {
      engine.plans.set('select 1', { text: 'select pg_sleep(30)', mustRetryOnError });
      expect(await outcome(client, query('select 1'))).toBe('57014');
    }
    expect(engine.completions).toMatchObject([{ outcome: 'failed' }, { outcome: 'failed' }]);
    client.close();
  });

  test('in a pipeline each statement has its own time', async () => {
    const client = await login({ queryTimeoutMs: 400 }, 'scanned');
    client.send(...Array<Buffer>(6).fill(query('select pg_sleep(0.1)')));
    expect(transcript(await client.until('Z', 6)).filter((line) => line.startsWith('E'))).toEqual([]);
    client.close();
  });

  describe.each(['scanned', 'relayed'])('a client that is idle, %s', (kind) => {
    test('is sent away with 57P05, and its connection to the server with it', async () => {
      const client = await login({ idleTimeoutMs: 150 }, kind);
      expect(await outcome(client, query('select pg_sleep(0.3)'))).toBe('complete');
      const messages = await client.untilClosed();
      expect(messages.map((message) => [errorField(message, 'V'), errorField(message, 'C')])).toEqual([
        ['FATAL', '57P05'],
      ]);
      await until('the session is over', () => proxy?.events.ends.includes('idleTimeout'));
    });

    test('but not in a transaction block', async () => {
      const client = await login({ idleTimeoutMs: 100 }, kind);
      await outcome(client, query('begin'));
      const other = await WireClient.login(proxy?.port ?? 0, { user: server.user, database });
      expect(errorField((await other.untilClosed())[0], 'C')).toBe('57P05');
      expect(await outcome(client, query('select 1'))).toBe('complete');
      client.close();
    });
  });

  test('a connection for replication is left alone', async () => {
    const client = await login({ idleTimeoutMs: 50, queryTimeoutMs: 50 }, 'scanned', {
      replication: 'database',
    });
    const other = await WireClient.login(proxy?.port ?? 0, { user: server.user, database });
    expect(errorField((await other.untilClosed())[0], 'C')).toBe('57P05');
    client.send(query('IDENTIFY_SYSTEM'));
    expect(firstColumns(await client.until('Z'))).toHaveLength(1);
    client.close();
  });

  describe('too many sessions', () => {
    /** Connects as `user` to a database of the server; resolves to the client, or to what refused it. */
    async function enter(options: Record<string, string> = {}): Promise<WireClient | string> {
      const client = await WireClient.open(proxy?.port ?? 0);
      const parameters = new Map(Object.entries({ user: server.user, database, ...options }));
      client.send(encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
      const error = (await client.until('Z')).find(({ type }) => type === 'E');
      if (error === undefined) return client;
      client.close();
      return ['V', 'C', 'M'].map((field) => errorField(error, field)).join(' ');
    }

    function inside(entered: WireClient | string): WireClient {
      if (typeof entered === 'string') throw new Error(entered);
      return entered;
    }

    test('for a database: refused like the server does; others are not concerned, a place that gets free is had', async () => {
      proxy = await startProxy(server.port, {}, { limits: { maxSessionsPerDatabase: 2 } });
      const clients = [inside(await enter()), inside(await enter())];
      expect(await enter()).toBe(`FATAL 53300 too many connections for database "${database}"`);
      clients.push(inside(await enter({ database: 'postgres' })));
      expect(proxy.events.refusals).toEqual(['database']);
      await until('the refused one has gone', () => proxy?.events.ends.includes('tooManyConnections'));
      clients.shift()?.close();
      await until('a place is free', () => proxy?.listener.sessionCount === 2);
      clients.push(inside(await enter()));
      for (const client of clients) client.close();
    });

    test('a database has a limit of its own, 0 being none', async () => {
      proxy = await startProxy(
        server.port,
        { [database]: engine },
        {
          limits: { maxSessionsPerDatabase: 1, maxSessionsOfDatabases: new Map([[database, 0]]) },
        },
      );
      const clients = [inside(await enter()), inside(await enter())];
      clients.push(inside(await enter({ database: 'postgres' })));
      expect(await enter({ database: 'postgres' })).toContain('53300');
      for (const client of clients) client.close();
    });

    test('for a user: in whichever database, for physical replication too, which is in none', async () => {
      proxy = await startProxy(
        server.port,
        {},
        { limits: { maxSessionsPerUser: 2, maxSessionsPerDatabase: 1 } },
      );
      const clients = [inside(await enter()), inside(await enter({ replication: 'true' }))];
      expect(await enter({ database: 'postgres' })).toBe(
        `FATAL 53300 too many connections for role "${server.user}"`,
      );
      expect(await enter()).toContain('for database');
      expect(proxy.events.refusals).toEqual(['user', 'database']);
      for (const client of clients) client.close();
    });

    test('a session the server refuses, and one that ends before its log-in, leave their places', async () => {
      proxy = await startProxy(server.port, {}, { limits: { maxSessionsPerUser: 1 } });
      for (let i = 0; i < 3; i++) {
        expect(await enter({ database: 'nowhere' })).toContain('3D000');
        await until('it has gone', () => proxy?.listener.sessionCount === 0);
        const early = await WireClient.open(proxy.port);
        const parameters = new Map([['user', server.user]]);
        early.send(encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
        early.close();
        await until('it has gone', () => proxy?.listener.sessionCount === 0);
      }
      inside(await enter()).close();
      expect(proxy.events.refusals).toEqual([]);
    });

    test('a cancel request takes no place', async () => {
      proxy = await startProxy(
        server.port,
        {},
        { limits: { maxSessionsPerUser: 1, maxSessionsPerDatabase: 1 } },
      );
      const client = await WireClient.login(proxy.port, { user: server.user, database });
      client.send(query('select pg_sleep(30)'));
      const [processId, secretKey] = [client.keyData.readInt32BE(0), client.keyData.subarray(4)];
      await until('the statement is canceled', async () => {
        const other = await WireClient.open(proxy?.port ?? 0);
        other.send(encodeCancelRequest({ processId, secretKey }));
        await other.untilClosed();
        return client.messages.some((message) => errorField(message, 'C') === '57014');
      });
      expect(proxy.events.refusals).toEqual([]);
      client.close();
    });
  });

  describe('a message that is too large', () => {
    const limits = { maxMessageBytes: 10_000 };

    test('ends the session with 54000 as soon as its header is there', async () => {
      const client = await login(limits, 'scanned');
      expect(await outcome(client, query(`select '${'x'.repeat(9_900)}'`))).toBe('complete');
      client.send(query('select 1').subarray(0, 1), Buffer.from([0, 0, 0x27, 0x10]));
      const messages = await client.untilClosed();
      expect(messages.map((message) => errorField(message, 'C'))).toEqual(['54000']);
      expect(proxy?.events.protocolErrors).toEqual(['client 54000']);
    });

    test('the server has seen none of it', async () => {
      const client = await login(limits, 'scanned');
      await outcome(client, query('create table if not exists unharmed (a text)'));
      client.send(query(`insert into unharmed values ('${'x'.repeat(20_000)}')`));
      await client.untilClosed();
      const other = await WireClient.login(server.port, { user: server.user, database });
      other.send(query('select count(*) from unharmed'));
      expect(firstColumns(await other.until('Z'))).toEqual(['0']);
      other.close();
    });
  });

  (process.platform === 'linux' ? test : test.skip)(
    'TCP asks after silent peers, on both sides',
    async () => {
      const client = await login({ keepAliveMs: 30_000 }, 'scanned');
      const { localPort } = client.socket;
      // Columns of /proc/net/tcp: local and remote address, state, queues, timer (02 is keepalive) and when it fires.
      const timers = (): { readonly local: number; readonly remote: number; readonly timer: string }[] =>
        readFileSync('/proc/net/tcp', 'utf8')
          .split('\n')
          .slice(1)
          .flatMap((line) => {
            const [, local = '', remote = '', state, , timer = ''] = line.trim().split(/\s+/);
            const port = (address: string): number => parseInt(address.split(':')[1] ?? '', 16);
            return state === '01' ? [{ local: port(local), remote: port(remote), timer }] : [];
          });
      await outcome(client, query('select 1'));
      const isKeptAlive = (timer: string | undefined): boolean =>
        timer !== undefined && timer.startsWith('02:') && parseInt(timer.slice(3), 16) <= 30 * 100;
      await until('the timers are set', () => {
        const all = timers();
        const toClient = all.find(({ local, remote }) => local === proxy?.port && remote === localPort);
        const toServer = all.filter(({ remote }) => remote === server.port);
        return isKeptAlive(toClient?.timer) && toServer.some(({ timer }) => isKeptAlive(timer));
      });
      client.close();
    },
  );
});
