import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Client } from 'pg';
import { parse, stringify } from 'yaml';
import { romes } from '../../support/changing-data';
import { makeCertificate } from '../../support/certificates';
import { freePort } from '../../support/free-port';
import { runPcache } from '../../support/pcache-process';
import { pgbench, startPgbench } from '../../support/pgbench';
import { ProxiedDatabase } from '../../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

const rome = `select id, region_id from place where name = 'Rome'`;
const served = 'the worker serves clients';

describe('two workers that verify their clients, over TLS', () => {
  let directory: TemporaryDirectory;
  let database: ProxiedDatabase;
  let untouched: string;

  const connect = async (password = database.direct.password): Promise<Client> => {
    const client = new Client({ ...database.through, password, ssl: { rejectUnauthorized: false } });
    // Its worker may be killed, or it is sent away.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const ask = async (command: string): Promise<unknown> => {
    const options = { user: 'pcache', password: 'sesame', database: 'pcache' };
    const client = new Client({ ...database.through, ...options, ssl: { rejectUnauthorized: false } });
    await client.connect();
    const { rows } = await client.query(command);
    await client.end();
    return rows;
  };
  const workers = (): ReadonlyMap<number, number> =>
    new Map(database.logged(served).map(({ worker, process }) => [Number(worker), Number(process)]));
  const filesOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

  beforeAll(async () => {
    directory = await temporaryDirectory('workers', { openToOthers: true });
    const { certificate, key } = makeCertificate(directory.path, 'proxy');
    database = await ProxiedDatabase.start({
      sections: {
        workers: 2,
        listen: { port: await freePort(), tls: { mode: 'require', certificate, key } },
        auth: { mode: 'verify' },
        admin: { port: 0, users: 'pcache' },
      },
      prepare: async (connection) => {
        const client = new Client(connection);
        await client.connect();
        await client.query('alter role pcache superuser');
        await client.end();
      },
    });
    untouched = readFileSync(database.configFile, 'utf8');
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  test('each lets in who has the password, and nobody else', async () => {
    const clients = [await connect(), await connect()];
    for (const client of clients) expect((await client.query(rome)).rows).toHaveLength(romes);
    for (let i = 0; i < 2; i++) await expect(connect('wrong')).rejects.toMatchObject({ code: '28P01' });
    for (const client of clients) await client.end();
  });

  test('workers that are killed again and again, while clients come and go: none is left behind, nor its place', async () => {
    const files = filesOf(database.pid);
    let isOver = false;
    const outcomes = { served: 0, lost: 0, wrong: [] as unknown[] };
    const comeAndGo = async (): Promise<void> => {
      while (!isOver) {
        try {
          const client = await connect();
          const { rows } = await client.query(rome);
          if (rows.length === romes) outcomes.served++;
          else outcomes.wrong.push(rows);
          await client.end();
        } catch (error) {
          // Cut off with its worker; nothing else may go wrong.
          if (/terminated unexpectedly|ECONNRESET|EPIPE|disconnected before secure/.test(String(error)))
            outcomes.lost++;
          else outcomes.wrong.push(error);
        }
      }
    };
    const all = Promise.all(Array.from({ length: 6 }, comeAndGo));
    for (let kills = 0; kills < 3; kills++) {
      const before = database.logged(served).length;
      const servedBefore = outcomes.served;
      await until('clients are served', () => outcomes.served > servedBefore, { deadlineMs: 30_000 });
      process.kill(workers().get((kills % 2) + 1) ?? 0, 'SIGKILL');
      await until('there is another', () => database.logged(served).length > before, { deadlineMs: 30_000 });
    }
    isOver = true;
    await all;
    expect(outcomes.wrong).toEqual([]);
    expect(outcomes.served).toBeGreaterThan(20);
    // Each of three workers had six clients at most.
    expect(outcomes.lost).toBeLessThanOrEqual(18);
    const limits = { max_sessions: 2 };
    expect(await database.reload(() => stringify({ ...parse(untouched), limits }))).toMatchObject({
      changes: 1,
    });
    await until('there is room for as many as may come', async () => {
      try {
        for (const client of [await connect(), await connect()]) await client.end();
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: '53300' });
        return false;
      }
    });
    await database.reload(() => untouched);
    await until('nothing is left open', () => filesOf(database.pid) <= files + 4);
  }, 90_000);

  const title =
    'a successor with workers of its own takes over, and no transaction fails of clients that connect for each';
  (pgbench === undefined ? test.skip : test)(
    pgbench === undefined ? `${title} (skipped: there is no pgbench)` : title,
    async () => {
      const old = [...workers().values()];
      const client = await connect();
      await client.query('begin');
      await ask('set mode observe');
      const environment = { ...database.environment(database.through), PGSSLMODE: 'require' };
      await using bench = await startPgbench(`begin;\n${rome};\ncommit;\n`, ['-C', '-c', '2'], environment);
      expect(await database.handOver()).toMatchObject({ successor: expect.any(Number) });
      expect((await client.query(rome)).rows).toHaveLength(romes);
      const gone = new Promise((resolve) => client.once('end', resolve));
      await client.query('commit');
      await gone;
      for (const pid of old)
        await until('the old worker has ended', () => hasEnded(pid), { deadlineMs: 30_000 });
      expect(bench?.trouble()).toBeUndefined();
      expect([...workers().values()]).not.toEqual(old);
      expect(await ask('show mode')).toMatchObject([{ mode: 'observe', set_by: 'operator' }]);
      const observed = await connect();
      const { rows } = await observed.query(`explain (pcache) ${rome}`);
      expect(JSON.stringify(rows)).toMatch(/observe/);
      await observed.end();
      await ask('set mode default');
    },
    60_000,
  );

  test('SIGTERM twice: nothing is left running', async () => {
    const all = [...workers().values()];
    const client = await connect();
    await client.query('begin');
    database.signal('SIGTERM');
    await until(
      'it is being stopped',
      () => database.logged('shutting down; a second signal ends the process at once').length > 0,
    );
    database.signal('SIGTERM');
    for (const pid of all) await until('the worker has ended', () => hasEnded(pid));
    await expect(client.query('select 1')).rejects.toThrow();
  });

  test('workers that cannot begin: the start fails, and says why', async () => {
    const { code, stderr } = await runPcache(['proxy', '--config', database.configFile], {
      environment: { PASSWORD: 'sesame', PCACHE_LISTEN_TLS_KEY: '/nowhere' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/nowhere/);
    expect(stderr).toMatch(/worker \d ended with exit code 1 before it served/);
  });
});

/** One that nobody has asked about yet is still listed. */
function hasEnded(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || /^State:\s+Z/m.test(readFileSync(status, 'utf8'));
}
