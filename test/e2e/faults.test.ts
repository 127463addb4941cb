import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Client } from 'pg';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { encodeEncryptionRequest } from '../../src/wire/startup/encryption-request';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { freePort } from '../support/free-port';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { errorField, firstColumns, transcript, WireClient } from '../support/wire-client';

const query = (text: string): Buffer => encodeQuery({ query: text });
const trust = ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'];

/** What goes wrong, on either side, and how it ends. */
describe('faults', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;

  beforeAll(async () => {
    server = await startPostgres({ hba: trust });
    database = await server.createDatabase();
  });

  afterAll(async () => {
    await server?.stop();
  });

  beforeEach(async () => {
    engine = new ScriptedEngine();
    proxy = await startProxy(server.port, { [database]: engine });
  });

  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
  });

  const login = (port = proxy.port, name = database) =>
    WireClient.login(port, { user: server.user, database: name });

  const startup = (parameters: Readonly<Record<string, string>>, minorVersion = 0): Buffer =>
    encodeStartupMessage({ majorVersion: 3, minorVersion, parameters: new Map(Object.entries(parameters)) });

  /** Another client is still served. */
  async function expectAlive(): Promise<void> {
    const other = await login();
    other.send(query('select 42'));
    expect(firstColumns(await other.until('Z'))).toEqual(['42']);
    other.close();
  }

  async function withServer<T>(action: (direct: Client) => Promise<T>): Promise<T> {
    const direct = new Client(server.connectionOptions(database));
    await direct.connect();
    try {
      return await action(direct);
    } finally {
      await direct.end();
    }
  }

  describe('garbage on the port', () => {
    test.each([
      ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n')],
      ['a TLS ClientHello', Buffer.from('16030100c8010000c40303', 'hex')],
      ['zeros', Buffer.alloc(64)],
      ['a packet that is too long', Buffer.from([0, 0, 0x27, 0x15, 0, 3, 0, 0])],
      ['a cancel key that is too short', Buffer.from([0, 0, 0, 14, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0])],
      ['a body behind SSLRequest', Buffer.from([0, 0, 0, 9, 4, 210, 22, 47, 0])],
    ])('%s is answered with 08P01 and closed', async (_title, bytes) => {
      const client = await WireClient.open(proxy.port);
      client.send(bytes);
      const [error] = await client.untilClosed();
      expect(errorField(error, 'C')).toBe('08P01');
      expect(errorField(error, 'S')).toBe('FATAL');
      expect(proxy.events.protocolErrors).toEqual(['client 08P01']);
      await expectAlive();
    });

    test.each([
      ['SSLRequest', 47],
      ['GSSENCRequest', 48],
    ])('%s is refused once, and not taken again', async (_title, code) => {
      const client = await WireClient.open(proxy.port);
      const request = Buffer.from([0, 0, 0, 8, 4, 210, 22, code]);
      client.send(request);
      expect((await client.byte()).toString()).toBe('N');
      client.send(request);
      const [error] = await client.untilClosed();
      expect(errorField(error, 'C')).toBe('08P01');
      await expectAlive();
    });

    test.each([
      ['a length that is too small', Buffer.from([0x51, 0, 0, 0, 3])],
      ['a length that is too large', Buffer.from([0x51, 0x7f, 0, 0, 0])],
      ['a message type that does not exist', Buffer.from([0x21, 0, 0, 0, 4])],
    ])('%s after login', async (_title, bytes) => {
      const client = await login();
      client.send(query('select 1'), bytes);
      const messages = await client.untilClosed();
      expect(errorField(messages.at(-1), 'C')).toBe('08P01');
      await expectAlive();
    });

    test('random bytes after login never bring the proxy down', async () => {
      let seed = 20_240_229;
      const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x80000000;
      const letters = 'QPBDECSHXdcfFp';
      for (let round = 0; round < 40; round++) {
        const client = await login();
        for (let i = 0; i < 5; i++) {
          const body = Buffer.from(
            Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)),
          );
          const header = Buffer.from(`${letters[Math.floor(random() * letters.length)]}\0\0\0\0`, 'latin1');
          header.writeUInt32BE(4 + body.length, 1);
          client.send(header, body);
        }
        client.send(encodeSync());
        client.socket.end();
        await client.untilClosed();
      }
      await expectAlive();
      expect(proxy.complaints).toEqual([]);
      await until('all sessions have ended', () => proxy.listener.sessionCount <= 1);
    });

    test('a connection that says nothing is closed after the login time', async () => {
      await using strict = await startProxy(server.port, {}, { limits: { loginTimeoutMs: 100 } });
      const silent = await WireClient.open(strict.port);
      expect(await silent.untilClosed()).toEqual([]);
      await expectEnds(strict, ['loginTimeout']);
    });
  });

  describe('start-up', () => {
    test('SSLRequest and GSSENCRequest are refused, and the session goes on', async () => {
      const client = await WireClient.open(proxy.port);
      const answers: string[] = [];
      const bytes = new Promise<void>((resolve) => {
        client.socket.removeAllListeners('data');
        client.socket.on('data', (chunk) => {
          answers.push(chunk.toString('latin1'));
          if (answers.join('').includes('Z')) resolve();
          else if (answers.join('') === 'N') client.send(encodeEncryptionRequest('SSLRequest'));
          else if (answers.join('') === 'NN') client.send(startup({ user: server.user, database }));
        });
      });
      client.send(encodeEncryptionRequest('GSSENCRequest'));
      await bytes;
      client.close();
    });

    test('protocol 3.2, unknown minor versions and options are answered by the server', async () => {
      for (const [minorVersion, options] of [
        [2, {}],
        [9999, { '_pq_.unknown': 'x' }],
      ] as const) {
        const talk = async (port: number): Promise<string[]> => {
          const client = await WireClient.open(port);
          client.send(startup({ user: server.user, database, ...options }, minorVersion));
          const messages = await client.until('Z');
          client.close();
          return transcript(messages).map((line) =>
            line.replace(/^K "(.*)"$/s, (_, key: string) => `K ${key.length > 0}`),
          );
        };
        expect(await talk(proxy.port)).toEqual(await talk(server.port));
      }
    });

    test('a packet may be as long as the server takes, and no longer', async () => {
      const talk = async (port: number, length: number): Promise<readonly string[]> => {
        const packet = (value: string): Buffer => startup({ user: server.user, database, '_pq_.x': value });
        const client = await WireClient.open(port);
        client.send(packet('x'.repeat(length - packet('').length)));
        const messages = await client.until('Z');
        client.close();
        return messages.map(({ type }) => type);
      };
      expect(await talk(proxy.port, 10_004)).toEqual(await talk(server.port, 10_004));
      expect((await talk(proxy.port, 10_004)).at(-1)).toBe('Z');
      expect(await talk(server.port, 10_005)).toEqual([]);
      expect(await talk(proxy.port, 10_005)).toEqual(['E']);
    });

    test('a statement sent before the login is through is answered after it', async () => {
      const client = await WireClient.open(proxy.port);
      client.send(startup({ user: server.user, database }), query('select 1'), query('select 2'));
      expect(firstColumns(await client.until('Z', 3))).toEqual(['1', '2']);
      client.close();
    });

    test('byte by byte', async () => {
      const client = await WireClient.open(proxy.port);
      await client.dribble(Buffer.concat([startup({ user: server.user, database }), query('select 1')]));
      expect(firstColumns(await client.until('Z', 2))).toEqual(['1']);
      client.close();
    });

    test('one session more than allowed is refused with 53300', async () => {
      await using small = await startProxy(server.port, {}, { limits: { maxSessions: 1 } });
      const first = await login(small.port);
      const second = await WireClient.open(small.port);
      second.send(startup({ user: server.user, database }));
      expect(errorField((await second.untilClosed())[0], 'C')).toBe('53300');
      first.close();
    });

    test('a database without an engine is relayed', async () => {
      const client = await login(proxy.port, 'postgres');
      client.send(
        query('select 1'),
        encodeParse({ statementName: '', query: 'select 2', parameterTypeOids: [] }),
      );
      client.send(
        encodeBind({
          portalName: '',
          statementName: '',
          parameterFormats: [],
          parameters: [],
          resultFormats: [],
        }),
        encodeExecute({ portalName: '', maxRows: 0 }),
        encodeSync(),
      );
      expect(firstColumns(await client.until('Z', 2))).toEqual(['1', '2']);
      client.close();
    });
  });

  describe('the server', () => {
    test('cannot be reached: 08006 with host and port, and the proxy stays up', async () => {
      const nobody = await freePort();
      await using lost = await startProxy(nobody, { [database]: engine });
      for (let i = 0; i < 3; i++) {
        const client = await WireClient.open(lost.port);
        client.send(startup({ user: server.user, database }));
        const [error] = await client.untilClosed();
        expect(errorField(error, 'C')).toBe('08006');
        expect(errorField(error, 'D')).toContain(`Host "127.0.0.1", port ${nobody}`);
      }
      await expectEnds(lost, ['upstreamUnreachable', 'upstreamUnreachable', 'upstreamUnreachable']);
    });

    test('ends the session: its own words reach the client', async () => {
      const client = await login();
      client.send(query('select pg_backend_pid()'));
      const [pid] = firstColumns(await client.until('Z'));
      await withServer((direct) => direct.query('select pg_terminate_backend($1::int)', [pid]));
      const messages = await client.untilClosed();
      expect(messages.map((message) => errorField(message, 'C'))).toEqual(['57P01']);
      await expectEnds(proxy, ['upstream']);
    });

    test('goes away without a word, while idle and while a statement runs: 08006', async () => {
      for (const text of ['', 'select pg_sleep(30)']) {
        await using cut = await startRelay(server.port);
        await using behind = await startProxy(cut.port, { [database]: engine });
        const client = await login(behind.port);
        if (text !== '') client.send(query(text));
        await until('the statement is on its way', () => cut.bytes > (text === '' ? 0 : 60));
        cut.cutOff();
        const messages = await client.untilClosed();
        expect(errorField(messages.at(-1), 'C')).toBe('08006');
        await expectEnds(behind, ['upstream']);
      }
    });

    test('crashes in the middle of a statement, and comes back', async () => {
      const own = await startPostgres({ hba: trust });
      try {
        const name = await own.createDatabase();
        await using behind = await startProxy(own.port, { [name]: engine });
        const connectAgain = () => WireClient.login(behind.port, { user: own.user, database: name });
        const client = await connectAgain();
        client.send(query('select pg_sleep(30)'));
        await own.crash();
        const codes = (await client.untilClosed()).map((message) => errorField(message, 'C'));
        expect(['57P01', '57P02', '08006']).toContain(codes.at(-1));
        await own.restart();
        const again = await connectAgain();
        again.send(query('select 1'));
        expect(firstColumns(await again.until('Z'))).toEqual(['1']);
        again.close();
      } finally {
        await own.stop();
      }
    });

    test('breaks the protocol: the client is told, and the proxy stays up', async () => {
      const impostor = createServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('data', () => socket.write(Buffer.from([0x52, 0xff, 0xff, 0xff, 0xff])));
      });
      const port = await listen(impostor);
      await using behind = await startProxy(port, { [database]: engine });
      const client = await WireClient.open(behind.port);
      client.send(startup({ user: 'x', database }));
      expect(errorField((await client.untilClosed())[0], 'C')).toBe('08P01');
      expect(behind.events.protocolErrors).toEqual(['upstream 08P01']);
      impostor.close();
    });
  });

  describe('the client', () => {
    test('goes away while a statement runs: the server’s session ends', async () => {
      const client = await login();
      client.send(query(`select 'gone', generate_series(1, 100000000)`));
      await until('rows come', () => client.messages.length > 100);
      client.close();
      await withServer((direct) =>
        until('the server’s session has ended', async () => {
          const { rows } = await direct.query(
            `select 1 from pg_stat_activity where query like 'select ''gone''%' and pid <> pg_backend_pid()`,
          );
          return rows.length === 0;
        }),
      );
      await until('the session has ended', () => proxy.events.ends.length === 1);
    });

    test('closes only its sending side: what it asked for is still answered', async () => {
      const client = await login();
      client.send(query('select 1'), query('select pg_sleep(0.1)'), query('select 2'));
      client.socket.end();
      expect(firstColumns(await client.untilClosed())).toEqual(['1', '', '2']);
      await expectEnds(proxy, ['client']);
    });

    test('sends a wrong cancel key: nothing happens', async () => {
      const client = await login();
      client.send(query('select pg_sleep(0.2)'));
      const canceler = await WireClient.open(proxy.port);
      const processId = client.keyData.readUInt32BE(0);
      canceler.send(encodeCancelRequest({ processId, secretKey: Buffer.from('nope') }));
      expect(await canceler.untilClosed()).toEqual([]);
      expect(transcript(await client.until('Z')).at(-1)).toBe('Z "I"');
      client.close();
    });

    test('cancels in the relayed mode and with a long key', async () => {
      await using off = await startProxy(server.port, {}, { mode: 'off' });
      const client = await WireClient.login(off.port, { user: server.user, database }, 2);
      expect(client.keyData.length).toBeGreaterThan(8);
      client.send(query('select pg_sleep(30)'));
      await withServer((direct) =>
        until('the statement runs', async () => {
          const { rows } = await direct.query(
            `select 1 from pg_stat_activity where wait_event = 'PgSleep' and pid = $1`,
            [client.keyData.readUInt32BE(0)],
          );
          return rows.length === 1;
        }),
      );
      const canceler = await WireClient.open(off.port);
      canceler.send(
        encodeCancelRequest({
          processId: client.keyData.readUInt32BE(0),
          secretKey: client.keyData.subarray(4),
        }),
      );
      await canceler.untilClosed();
      const messages = await client.until('Z');
      expect(
        messages.map((message) => (message.type === 'E' ? errorField(message, 'C') : message.type)),
      ).toContain('57014');
      client.close();
    });
  });
});

/** Both connections of each session are gone, and these were the reasons. */
async function expectEnds(proxy: RecordedProxy, ends: readonly string[]): Promise<void> {
  await until('the sessions have ended', () => proxy.events.ends.length === ends.length);
  expect(proxy.events.ends).toEqual(ends);
}

interface Relay extends AsyncDisposable {
  readonly port: number;
  readonly bytes: number;
  cutOff(): void;
}

/** A relay that can be cut like a cable: both ends lose the connection without a message. */
async function startRelay(targetPort: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  const relay = createServer((socket) => {
    const target = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        if (from === socket) bytes += chunk.length;
        to.write(chunk);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  const port = await listen(relay);
  const cutOff = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port,
    get bytes() {
      return bytes;
    },
    cutOff,
    async [Symbol.asyncDispose]() {
      cutOff();
      relay.close();
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}
