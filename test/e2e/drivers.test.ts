import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, Pool } from 'pg';
import { findPostgresProgram, startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';

const run = promisify(execFile);

/** Real clients, logging in with SCRAM, every statement scanned. */
describe('drivers', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;

  beforeAll(async () => {
    server = await startPostgres();
    database = await server.createDatabase();
    engine = new ScriptedEngine();
    proxy = await startProxy(server.port, { [database]: engine });
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  const options = () => ({ ...server.connectionOptions(database), port: proxy.port });
  const environment = () => ({ ...process.env, ...server.environment(database), PGPORT: String(proxy.port) });

  describe('pg', () => {
    test('a wrong password is refused by the server, in its words', async () => {
      const client = new Client({ ...options(), password: 'wrong' });
      await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
    });

    test('a database that does not exist is refused by the server', async () => {
      const client = new Client({ ...options(), database: 'nowhere' });
      await expect(client.connect()).rejects.toMatchObject({ code: '3D000' });
    });

    test('simple, extended and named statements', async () => {
      const client = new Client(options());
      await client.connect();
      try {
        expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
        expect((await client.query('select $1::int + 1 as a', [41])).rows).toEqual([{ a: 42 }]);
        for (const n of [1, 2, 3]) {
          const { rows } = await client.query({
            name: 'twice',
            text: 'select 2 * $1::int as a',
            values: [n],
          });
          expect(rows).toEqual([{ a: 2 * n }]);
        }
        await expect(client.query('select $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' });
        expect((await client.query('select $1::text as a', ['ü€😀'])).rows).toEqual([{ a: 'ü€😀' }]);
      } finally {
        await client.end();
      }
    });

    test('many sessions at once, in a pool', async () => {
      const pool = new Pool({ ...options(), max: 20 });
      try {
        const answers = await Promise.all(
          Array.from({ length: 300 }, (_, i) => pool.query('select $1::int as a', [i])),
        );
        expect(answers.map(({ rows }) => rows[0].a)).toEqual(Array.from({ length: 300 }, (_, i) => i));
      } finally {
        await pool.end();
      }
      await until('all sessions have ended', () => proxy.listener.sessionCount === 0);
    });

    test('LISTEN and NOTIFY between two sessions', async () => {
      const [listener, notifier] = [new Client(options()), new Client(options())];
      await Promise.all([listener.connect(), notifier.connect()]);
      try {
        const payloads: (string | undefined)[] = [];
        listener.on('notification', ({ payload }) => payloads.push(payload));
        await listener.query('listen news');
        await notifier.query(`notify news, 'first'`);
        await notifier.query(`notify news, 'second'`);
        await until('both notifications came', () => payloads.length === 2);
        expect(payloads).toEqual(['first', 'second']);
      } finally {
        await Promise.all([listener.end(), notifier.end()]);
      }
    });

    test('a statement is canceled through the proxy', async () => {
      const client = new Client(options());
      const other = new Client(options());
      await Promise.all([client.connect(), other.connect()]);
      try {
        const sleeping = expect(client.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
        await until('the statement runs', async () => {
          const { rows } = await other.query(`select 1 from pg_stat_activity where wait_event = 'PgSleep'`);
          return rows.length === 1;
        });
        const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
        const canceler = new Client(options()) as unknown as {
          connection: {
            connect(port: number, host: string): void;
            on(event: string, listener: () => void): void;
            cancel(processId: number, secretKey: number): void;
          };
        };
        canceler.connection.on('connect', () => canceler.connection.cancel(processID, secretKey));
        canceler.connection.connect(proxy.port, '127.0.0.1');
        await sleeping;
        expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
        await until('the request is counted', () => proxy.events.cancels.includes('relayed'));
      } finally {
        await Promise.all([client.end(), other.end()]);
      }
    });
  });

  const psql = findPostgresProgram('psql');
  const pgbench = findPostgresProgram('pgbench');

  (psql === undefined ? describe.skip : describe)(titleOf('psql', psql), () => {
    const ask = async (...args: string[]): Promise<string> => {
      const { stdout } = await run(psql ?? '', ['-X', '-A', '-t', ...args], { env: environment() });
      return stdout.trim();
    };

    test('statements and meta-commands', async () => {
      expect(await ask('-c', 'select 1', '-c', '\\d pg_catalog.pg_am', '-c', '\\conninfo')).toContain(
        'amhandler',
      );
    });

    test('COPY in and out', async () => {
      await ask('-c', 'create table copied (a int, b text)');
      await ask('-c', `\\copy copied from program 'seq -f "%g	x" 1 10000'`);
      expect(await ask('-c', 'select count(*), sum(a) from copied')).toBe('10000|50005000');
      const out = await ask('-c', '\\copy (select a from copied order by a) to stdout');
      expect(out.split('\n')).toHaveLength(10_000);
    });

    test('asks for encryption first and goes on without it', async () => {
      const { stdout } = await run(psql ?? '', ['-X', '-A', '-t', '-c', 'select 1'], {
        env: { ...environment(), PGSSLMODE: 'prefer', PGGSSENCMODE: 'prefer' },
      });
      expect(stdout.trim()).toBe('1');
      await expect(
        run(psql ?? '', ['-X', '-c', 'select 1'], { env: { ...environment(), PGSSLMODE: 'require' } }),
      ).rejects.toThrow('server does not support SSL');
    });

    test('fetches in parts with FETCH_COUNT', async () => {
      const out = await ask('-v', 'FETCH_COUNT=10', '-c', 'select generate_series(1, 95)');
      expect(out.split('\n')).toHaveLength(95);
    });
  });

  (pgbench === undefined ? describe.skip : describe)(titleOf('pgbench', pgbench), () => {
    const bench = (...args: string[]) => run(pgbench ?? '', args, { env: environment() });

    beforeAll(async () => {
      await bench('-i', '-q', '-s', '1');
    });

    test.each(['simple', 'extended', 'prepared'])('-M %s', async (mode) => {
      const { stdout } = await bench('-M', mode, '-c', '4', '-t', '50');
      expect(stdout).toMatch(/number of transactions actually processed: 200\/200/);
      expect(stdout).toMatch(/number of failed transactions: 0 /);
      const { stdout: selects } = await bench('-S', '-n', '-M', mode, '-c', '4', '-t', '200');
      expect(selects).toMatch(/number of transactions actually processed: 800\/800/);
    });
  });

  test('nothing was logged, nothing given up, and every connection ended well', async () => {
    await until('all sessions have ended', () => proxy.listener.sessionCount === 0);
    expect(proxy.complaints).toEqual([]);
    expect(proxy.events.scanningGivenUpCount).toBe(0);
    expect(proxy.events.protocolErrors).toEqual([]);
    expect(proxy.events.ends).toHaveLength(proxy.events.opened);
    expect([...new Set(proxy.events.ends)].sort()).toEqual(['cancelRequest', 'client', 'upstream']);
  });
});

/** A skipped suite says why. */
function titleOf(program: string, path: string | undefined): string {
  return path === undefined ? `${program} (skipped: it is not installed)` : program;
}
