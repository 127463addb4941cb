import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { Client } from 'pg';
import { defaultLimits } from '../../src/proxy/proxy-limits';
import { encodeAuthentication } from '../../src/wire/backend/authentication';
import { encodeBackendKeyData } from '../../src/wire/backend/backend-key-data';
import { encodeReadyForQuery } from '../../src/wire/backend/ready-for-query';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeCopyData } from '../../src/wire/frontend/copy-data';
import { encodeCopyDone } from '../../src/wire/frontend/copy-done';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { errorField, firstColumns, WireClient, type WireMessage } from '../support/wire-client';

const query = (text: string): Buffer => encodeQuery({ query: text });

/** What is asked, and what the proxy makes of it in mode `on` when there is a hit. */
const statements = {
  rows: `select generate_series(1, 20000), repeat('x', 500)`,
  endless: `select generate_series(1, 1000000000), repeat('x', 500)`,
  sleep: 'select pg_sleep(60)',
} as const;

const ways = ['relayed', 'scanned', 'a hit', 'a hit whose reply is held'] as const;
type Way = (typeof ways)[number];

type Session = Awaited<ReturnType<typeof WireClient.login>>;

/** Words of the server before it goes, or the proxy's in its place. */
const lastWords = /^(57P01|57P02|57P03|08006)$/;

/** Where Linux tells of its connections, and the number of the timer that probes an idle one. */
const connectionTable = '/proc/net/tcp';
const keepaliveTimer = 2;

/** A real server that is killed, stopped and started again under sessions of every kind. */
describe('faults of the server', () => {
  let server: PostgresServer;
  let database: string;
  let watcher: Client;
  let readyBefore = 0;

  beforeAll(async () => {
    server = await startPostgres({
      hba: ['host all all 127.0.0.1/32 trust'],
      settings: { max_connections: 12, superuser_reserved_connections: 3 },
    });
    database = await server.createDatabase();
    watcher = await connectWatcher();
    await watcher.query(
      'create table target (line text); create role guest login; grant pg_monitor to guest',
    );
  });

  afterAll(async () => {
    await watcher?.end().catch(() => undefined);
    await server?.stop();
  });

  async function connectWatcher(): Promise<Client> {
    const client = new Client(server.connectionOptions(database));
    // It is lost whenever the server is; `recovered` opens another.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  const timesReady = (): number => server.logText.split('is ready to accept connections').length;

  /** One process of the server dies without a word: all its sessions end, and it comes back by itself. */
  function kill(client: Session): void {
    readyBefore = timesReady();
    process.kill(pidOf(client), 'SIGKILL');
  }

  async function recovered(): Promise<void> {
    await until('the server is back', () => timesReady() > readyBefore);
    await watcher.end().catch(() => undefined);
    watcher = await connectWatcher();
  }

  function engineFor(way: Way): Record<string, ScriptedEngine> {
    if (way === 'relayed') return {};
    const engine = new ScriptedEngine();
    if (way !== 'scanned') {
      const mustRetryOnError = way === 'a hit whose reply is held';
      for (const text of Object.values(statements))
        engine.plans.set(text, { text: `${text} /* a hit */`, mustRetryOnError });
    }
    return { [database]: engine };
  }

  async function withSession(
    way: Way,
    use: (client: Session, proxy: RecordedProxy) => Promise<void>,
  ): Promise<void> {
    await using proxy = await startProxy(server.port, engineFor(way), {
      limits: { maxHeldBytes: 64 * 1024 * 1024 },
    });
    const client = await WireClient.login(proxy.port, { user: server.user, database });
    try {
      await use(client, proxy);
    } finally {
      client.close();
    }
    await until('the session has ended', () => proxy.listener.sessionCount === 0);
    expect(proxy.complaints.filter((complaint) => complaint.includes('internal error'))).toEqual([]);
  }

  const pidOf = (client: Session): number => client.keyData.readUInt32BE(0);

  /** Waits until the server runs this statement for the session, and it is the form that should be sent. */
  async function isRunning(client: Session, way: Way): Promise<void> {
    await until('the statement runs', async () => {
      const { rows } = await watcher.query(
        `select query from pg_stat_activity where pid = $1 and state = 'active'`,
        [pidOf(client)],
      );
      return rows.length === 1 && rows[0].query.includes('a hit') === way.startsWith('a hit');
    });
  }

  async function backendIsGone(pid: number): Promise<void> {
    await until('the server’s session has ended', async () => {
      const { rows } = await watcher.query('select 1 from pg_stat_activity where pid = $1', [pid]);
      return rows.length === 0;
    });
  }

  /**
   * Nothing the client got is broken: whole messages, and a last word that says why, or the half of a message. Of a session
   * that is merely relayed the proxy does not know where messages end, and says nothing in the middle of a statement.
   */
  function expectProperEnd(way: Way, client: WireClient, messages: readonly WireMessage[]): void {
    const errors = messages.filter(({ type }) => type === 'E').map((error) => errorField(error, 'C'));
    const isWordless = client.unframed.length > 0 || (way === 'relayed' && errors.length === 0);
    expect(errors).toEqual(isWordless ? [] : [expect.stringMatching(lastWords)]);
    if (!isWordless) expect(messages.at(-1)?.type).toBe('E');
  }

  describe.each(ways)('%s', (way) => {
    test('a process of the server is killed in the middle of a statement; the next session works', () =>
      withSession(way, async (client, proxy) => {
        client.send(query(statements.sleep));
        await isRunning(client, way);
        kill(client);
        expectProperEnd(way, client, await client.untilClosed());
        await recovered();
        const again = await WireClient.login(proxy.port, { user: server.user, database });
        again.send(query('select 7'));
        expect(firstColumns(await again.until('Z'))).toEqual(['7']);
        again.close();
      }));

    test('a process of the server is killed in the middle of a result', () =>
      withSession(way, async (client) => {
        client.send(query(statements.endless));
        await isRunning(client, way);
        if (way !== 'a hit whose reply is held') await until('rows come', () => client.messages.length > 100);
        kill(client);
        expectProperEnd(way, client, await client.untilClosed());
        await recovered();
      }));

    test('the server is stopped in the middle of a result, and goes on: nothing is missing', () =>
      withSession(way, async (client, proxy) => {
        client.send(query(statements.rows));
        await until('rows come', () => proxy.listener.traffic.bytesFromUpstream > 200_000);
        process.kill(pidOf(client), 'SIGSTOP');
        // The others are not touched, by the stopped one or by what waits for it.
        const other = await WireClient.login(proxy.port, { user: server.user, database });
        other.send(query('select 8'));
        expect(firstColumns(await other.until('Z'))).toEqual(['8']);
        other.close();
        process.kill(pidOf(client), 'SIGCONT');
        const rows = firstColumns(await client.until('Z'));
        expect(rows).toHaveLength(20_000);
        expect(rows.at(-1)).toBe('20000');
      }));

    test('the client goes away in the middle of a result: the server’s session ends soon', () =>
      withSession(way, async (client, proxy) => {
        client.send(query(statements.endless));
        await isRunning(client, way);
        await until('rows come', () => proxy.listener.traffic.bytesFromUpstream > 200_000);
        client.close();
        await backendIsGone(pidOf(client));
      }));

    test('a statement is canceled while the server is stopped: it is when the server goes on', () =>
      withSession(way, async (client, proxy) => {
        client.send(query(statements.sleep));
        await isRunning(client, way);
        process.kill(pidOf(client), 'SIGSTOP');
        const canceler = await WireClient.open(proxy.port);
        canceler.send(
          encodeCancelRequest({ processId: pidOf(client), secretKey: client.keyData.subarray(4) }),
        );
        await canceler.untilClosed();
        process.kill(pidOf(client), 'SIGCONT');
        const messages = await client.until('Z');
        expect(messages.filter(({ type }) => type === 'E').map((error) => errorField(error, 'C'))).toEqual([
          '57014',
        ]);
        client.send(query('select 9'));
        expect(firstColumns(await client.until('Z'))).toEqual(['9']);
      }));
  });

  describe.each(['relayed', 'scanned'] as const)('COPY, %s', (way) => {
    const line = encodeCopyData(Buffer.from(`${'y'.repeat(1_000)}\n`));

    test.each(['SIGKILL', 'SIGSTOP'] as const)('from the server, and %s in the middle', (signal) =>
      withSession(way, async (client) => {
        client.send(query(`copy (${statements.rows}) to stdout`));
        await until('data comes', () => client.messages.length > 100);
        if (signal === 'SIGKILL') kill(client);
        else {
          process.kill(pidOf(client), signal);
          process.kill(pidOf(client), 'SIGCONT');
          const messages = await client.until('Z');
          expect(messages.filter(({ type }) => type === 'd')).toHaveLength(20_000);
          return;
        }
        const messages = await client.untilClosed();
        // All of it may have been on its way already.
        if (!messages.some(({ type }) => type === 'Z')) expectProperEnd(way, client, messages);
        await recovered();
      }),
    );

    test('to the server, which is stopped in the middle and goes on: every line arrives', () =>
      withSession(way, async (client) => {
        await watcher.query('truncate target');
        client.send(query('copy target from stdin'));
        await client.until('G');
        process.kill(pidOf(client), 'SIGSTOP');
        const lines = 10_000;
        let left = lines;
        // Until it is not taken any more: the sockets and the proxy hold what they hold, and no more.
        while (left > 0 && client.socket.writableLength < 1_000_000) {
          client.send(line);
          left--;
          if (left % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        process.kill(pidOf(client), 'SIGCONT');
        for (; left > 0; left--) client.send(line);
        client.send(encodeCopyDone());
        await client.until('Z');
        expect((await watcher.query('select count(*)::int as n from target')).rows).toEqual([{ n: lines }]);
      }));

    test('to the server, which is killed in the middle: nothing of it is there afterwards', () =>
      withSession(way, async (client) => {
        await watcher.query('truncate target');
        client.send(query('copy target from stdin'));
        await client.until('G');
        for (let i = 0; i < 1_000; i++) client.send(line);
        kill(client);
        expectProperEnd(way, client, await client.untilClosed());
        await recovered();
        expect((await watcher.query('select count(*)::int as n from target')).rows).toEqual([{ n: 0 }]);
      }));

    test.each(['without a word', 'with the end of its side only'])(
      'to the server, and the client goes away in the middle, %s: nothing of it is there afterwards',
      (manner) =>
        withSession(way, async (client) => {
          await watcher.query('truncate target');
          client.send(query('copy target from stdin'));
          await client.until('G');
          for (let i = 0; i < 1_000; i++) client.send(line);
          if (manner === 'without a word') client.close();
          else client.socket.end();
          await backendIsGone(pidOf(client));
          expect((await watcher.query('select count(*)::int as n from target')).rows).toEqual([{ n: 0 }]);
        }),
    );
  });

  describe('a hidden question under way', () => {
    const text = `select 'wants the context'`;
    /** The question takes its time, so that something can happen to it. */
    function slowEngine(): ScriptedEngine {
      const engine = new ScriptedEngine();
      engine.plans.set(text, { text: `${text} /* a hit */`, needsContext: true });
      engine.contextQuery = `select (select 'path' from pg_sleep(60)), $1::text`;
      return engine;
    }

    test.each(['SIGKILL', 'SIGTERM'] as const)(
      'when the server’s process gets %s: the client is told',
      async (signal) => {
        await using proxy = await startProxy(server.port, { [database]: slowEngine() });
        const client = await WireClient.login(proxy.port, { user: server.user, database });
        client.send(query(text));
        await until('the question runs', async () => {
          const { rows } = await watcher.query(
            `select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`,
            [pidOf(client)],
          );
          return rows.length === 1;
        });
        if (signal === 'SIGKILL') kill(client);
        else process.kill(pidOf(client), signal);
        const messages = await client.untilClosed();
        expect(messages.map((message) => errorField(message, 'C'))).toEqual([
          expect.stringMatching(signal === 'SIGTERM' ? '57P01' : /08006|57P02/),
        ]);
        if (signal === 'SIGKILL') await recovered();
      },
    );
  });

  test('the answer to a hidden question is too long to be read whole: the statement goes as it came', async () => {
    // The client's Parse is just short enough to be read, the answer with its text is not.
    const length = defaultLimits.maxInspectedBytes - 40;
    const text = `select '${'x'.repeat(length)}'`;
    const engine = new ScriptedEngine();
    engine.plans.set(text, { text: `${text} /* a hit */`, needsContext: true });
    await using proxy = await startProxy(server.port, { [database]: engine });
    const client = await WireClient.login(proxy.port, { user: server.user, database });
    client.send(query(`set search_path = ${'long_'.repeat(12)}, ${'longer_'.repeat(8)}`));
    client.send(encodeParse({ statementName: 's', query: text, parameterTypeOids: [] }), encodeSync());
    await client.until('Z', 2);
    client.send(
      encodeBind({
        portalName: '',
        statementName: 's',
        parameterFormats: [],
        parameters: [],
        resultFormats: [],
      }),
      encodeExecute({ portalName: '', maxRows: 0 }),
      encodeSync(),
    );
    expect(firstColumns(await client.until('Z'))).toEqual(['x'.repeat(length)]);
    expect(proxy.events.asks).toEqual(['failed']);
    expect(proxy.events.protocolErrors).toEqual([]);
    client.close();
  });

  test('a server gives a key again and again: only the last is remembered', async () => {
    const parts = [encodeAuthentication({ code: 0, data: Buffer.alloc(0) })];
    for (let processId = 1; processId <= 100; processId++)
      parts.push(encodeBackendKeyData({ processId, secretKey: Buffer.from('key!') }));
    parts.push(encodeReadyForQuery({ transactionStatus: 'idle' }));
    const impostor = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.write(Buffer.concat(parts)));
    });
    await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
    await using proxy = await startProxy((impostor.address() as AddressInfo).port, {});
    const client = await WireClient.login(proxy.port, { user: 'x', database });
    const { sessionsByKey } = proxy.listener as unknown as {
      readonly sessionsByKey: ReadonlyMap<string, unknown>;
    };
    expect(sessionsByKey.size).toBe(1);
    client.close();
    impostor.close();
    await until('the session has ended', () => proxy.listener.sessionCount === 0);
    expect(sessionsByKey.size).toBe(0);
  });

  (existsSync(connectionTable) ? test : test.skip)(
    'both connections of a session are probed while they are idle, so that a peer that vanished is noticed (Linux only)',
    () =>
      withSession('scanned', async (client, proxy) => {
        client.send(query('select 5'));
        await client.until('Z');
        await until('both are probed', () => {
          const probed = connections().filter(({ timer }) => timer === keepaliveTimer);
          const isClientProbed = probed.some(({ localPort }) => localPort === proxy.port);
          return isClientProbed && probed.some(({ remotePort }) => remotePort === server.port);
        });
      }),
  );

  describe('too many', () => {
    const enter = async (port: number): Promise<WireClient> => {
      const client = await WireClient.open(port);
      const parameters = new Map([
        ['user', 'guest'],
        ['database', database],
      ]);
      client.send(encodeStartupMessage({ majorVersion: 3, minorVersion: 0, parameters }));
      return client;
    };

    test.each(['relayed', 'scanned'] as const)(
      'connections for the server: its own words reach the client, and a place that gets free is had (%s)',
      async (way) => {
        await using proxy = await startProxy(server.port, engineFor(way));
        const inside: WireClient[] = [];
        let refused: WireMessage | undefined;
        while (refused === undefined) {
          const client = await enter(proxy.port);
          const messages = await client.until('Z');
          refused = messages.find(({ type }) => type === 'E');
          if (refused === undefined) inside.push(client);
        }
        expect(errorField(refused, 'C')).toBe('53300');
        expect(errorField(refused, 'R')).toBeDefined();
        expect(inside.length).toBeGreaterThan(0);
        inside.pop()?.close();
        const late = await until('a place is free', async () => {
          const client = await enter(proxy.port);
          const messages = await client.until('Z');
          return messages.some(({ type }) => type === 'Z') ? client : undefined;
        });
        for (const client of [...inside, late]) client.close();
        await until('all sessions have ended', () => proxy.listener.sessionCount === 0);
      },
    );

    test('sessions for the proxy: the server does not hear of them, and a place that gets free is had', async () => {
      await using proxy = await startProxy(server.port, {}, { limits: { maxSessions: 2 } });
      const inside = [await enter(proxy.port), await enter(proxy.port)];
      for (const client of inside) await client.until('Z');
      const before = proxy.listener.traffic.bytesFromUpstream;
      const third = await enter(proxy.port);
      const [error] = await third.untilClosed();
      expect([errorField(error, 'C'), errorField(error, 'R')]).toEqual(['53300', undefined]);
      expect(proxy.listener.traffic.bytesFromUpstream).toBe(before);
      inside[0]?.close();
      await until('a place is free', () => proxy.listener.sessionCount === 1);
      const late = await enter(proxy.port);
      expect((await late.until('Z')).at(-1)?.type).toBe('Z');
      late.close();
      inside[1]?.close();
    });
  });
});

function connections(): {
  readonly localPort: number;
  readonly remotePort: number;
  readonly timer: number;
}[] {
  const portOf = (address: string | undefined): number => parseInt(address?.split(':')[1] ?? '', 16);
  const lines = readFileSync(connectionTable, 'latin1').trim().split('\n').slice(1);
  return lines.map((line) => {
    const [, local, remote, , , timer] = line.trim().split(/\s+/);
    return { localPort: portOf(local), remotePort: portOf(remote), timer: parseInt(timer ?? '', 16) };
  });
}
