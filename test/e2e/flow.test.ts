import { connect } from 'node:net';
import { encodeCopyData } from '../../src/wire/frontend/copy-data';
import { encodeCopyDone } from '../../src/wire/frontend/copy-done';
import { encodeTerminate } from '../../src/wire/frontend/terminate';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeStartupMessage } from '../../src/wire/startup/startup-message';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { errorField, firstColumns, transcript, WireClient } from '../support/wire-client';

const query = (text: string): Buffer => encodeQuery({ query: text });

/** Back-pressure, and how a proxy that is told to stop takes leave. */
describe('flow', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let database: string;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
  });

  afterAll(async () => {
    await server?.stop();
  });

  beforeEach(async () => {
    proxy = await startProxy(server.port, { [database]: new ScriptedEngine() });
  });

  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    expect(proxy.complaints).toEqual([]);
  });

  const login = (name = database) => WireClient.login(proxy.port, { user: server.user, database: name });

  describe.each(['scanned', 'relayed'])('a %s session', (kind) => {
    const name = (): string => (kind === 'scanned' ? database : 'postgres');

    test('a reader that does not read does not make the proxy grow', async () => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1' });
      socket.write(
        encodeStartupMessage({
          majorVersion: 3,
          minorVersion: 0,
          parameters: new Map([
            ['user', server.user],
            ['database', name()],
          ]),
        }),
      );
      await new Promise((resolve) => socket.once('data', resolve));
      socket.pause();
      const megabytes = 100;
      socket.write(query(`select repeat('x', 1000000) from generate_series(1, ${megabytes})`));

      // It stops taking bytes from the server: what it took does not change any more.
      let last = -1;
      await until(
        'the proxy has stopped reading',
        () => {
          const now = proxy.listener.traffic.bytesFromUpstream;
          const hasStopped = now === last && now > 100_000;
          last = now;
          return hasStopped;
        },
        { everyMs: 100 },
      );
      expect(last).toBeLessThan(20_000_000);

      let received = 0;
      let tail = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        received += chunk.length;
        tail = Buffer.concat([tail, chunk]).subarray(-6);
      });
      socket.resume();
      await until(
        'all rows came',
        () => received > megabytes * 1_000_000 && tail.toString('latin1') === 'Z\0\0\0\x05I',
      );
      socket.destroy();
    });

    test('a client that says good-bye at once and reads slowly gets everything', async () => {
      const megabytes = 30;
      const client = connect({ port: proxy.port, host: '127.0.0.1' });
      client.write(
        Buffer.concat([
          encodeStartupMessage({
            majorVersion: 3,
            minorVersion: 0,
            parameters: new Map([
              ['user', server.user],
              ['database', name()],
            ]),
          }),
          query(`select repeat('x', 1000000) from generate_series(1, ${megabytes})`),
          encodeTerminate(),
        ]),
      );
      let received = 0;
      client.on('data', (chunk) => {
        received += chunk.length;
        client.pause();
        setTimeout(() => client.resume(), 1);
      });
      await new Promise((resolve) => client.once('end', resolve));
      expect(received).toBeGreaterThan(megabytes * 1_000_000);
      client.destroy();
    });

    test('a server that does not read does not make the proxy grow', async () => {
      const blocker = await WireClient.login(server.port, { user: server.user, database: name() });
      for (const text of [
        'drop table if exists busy',
        'create table busy (a text)',
        'begin',
        'lock table busy',
      ]) {
        blocker.send(query(text));
        await blocker.until('Z');
      }
      const client = await login(name());
      client.send(query('copy busy from stdin'));
      const row = encodeCopyData(Buffer.from(`${'x'.repeat(9_999)}\n`));
      const rows = 10_000;
      for (let i = 0; i < rows; i++) client.socket.write(row);
      client.send(encodeCopyDone());
      let last = -1;
      await until(
        'the proxy has stopped reading',
        () => {
          const now = proxy.listener.traffic.bytesFromClients;
          const hasStopped = now === last && now > 100_000;
          last = now;
          return hasStopped;
        },
        { everyMs: 100 },
      );
      // The kernel holds some 40 MB between two sockets here; the proxy next to nothing.
      expect(last).toBeLessThan(60_000_000);
      blocker.send(query('commit'));
      expect(transcript(await client.until('Z')).at(-2)).toBe(`C "COPY ${rows}\\u0000"`);
      client.close();
      blocker.close();
    });
  });

  describe('drain', () => {
    test('idle sessions are told 57P01 and closed, also relayed ones; nobody new gets in', async () => {
      const clients = [await login(), await login('postgres')];
      for (const client of clients) {
        client.send(query('select 1'));
        await client.until('Z');
      }
      await proxy.listener.drain(10_000);
      for (const client of clients) {
        const [error] = await client.untilClosed();
        expect(errorField(error, 'C')).toBe('57P01');
      }
      expect(proxy.events.ends).toEqual(['drained', 'drained']);
      await expect(login()).rejects.toThrow('ECONNREFUSED');
    });

    test('a running statement finishes first', async () => {
      const clients = [await login(), await login('postgres')];
      const { bytesFromClients } = proxy.listener.traffic;
      const statement = query('select 7 from pg_sleep(0.3)');
      for (const client of clients) client.send(statement);
      const expectedBytes = bytesFromClients + clients.length * statement.length;
      await until('both are on their way', () => proxy.listener.traffic.bytesFromClients === expectedBytes);
      const drained = proxy.listener.drain(10_000);
      for (const client of clients) {
        const messages = await client.untilClosed();
        expect(firstColumns(messages)).toEqual(['7']);
        expect(errorField(messages.at(-1), 'C')).toBe('57P01');
      }
      await drained;
    });

    test('a transaction may end until the deadline', async () => {
      const [quick, slow] = [await login(), await login()];
      for (const client of [quick, slow]) {
        client.send(query('begin'));
        await client.until('Z');
      }
      const drained = proxy.listener.drain(500);
      quick.send(query('select 1'));
      expect(firstColumns(await quick.until('Z'))).toEqual(['1']);
      quick.send(query('commit'));
      expect(transcript(await quick.untilClosed()).map((line) => line.slice(0, 14))).toEqual([
        'C "COMMIT\\u000',
        'Z "I"',
        'E VFATAL C57P0',
      ]);
      expect(errorField((await slow.untilClosed())[0], 'C')).toBe('57P01');
      await drained;
    });

    test('a statement that outlasts the deadline is interrupted', async () => {
      const client = await login();
      const { bytesFromClients } = proxy.listener.traffic;
      client.send(query('select pg_sleep(60)'));
      await until('it is on its way', () => proxy.listener.traffic.bytesFromClients > bytesFromClients);
      await proxy.listener.drain(100);
      expect(errorField((await client.untilClosed()).at(-1), 'C')).toBe('57P01');
      const direct = await WireClient.login(server.port, { user: server.user, database });
      await until('the server does not run it any more', async () => {
        direct.send(query(`select count(*) from pg_stat_activity where wait_event = 'PgSleep'`));
        return firstColumns(await direct.until('Z'))[0] === '0';
      });
      direct.close();
    });
  });
});
