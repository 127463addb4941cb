import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Client } from 'pg';
import { parse, stringify } from 'yaml';
import { encodeCancelRequest } from '../../../src/wire/startup/cancel-request';
import { reads, romes } from '../../support/changing-data';
import { multiset } from '../../support/engine-harness';
import { PcacheProcess } from '../../support/pcache-process';
import { findPostgresProgram } from '../../support/postgres-server';
import { ProxiedDatabase } from '../../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

const rome = `select id, region_id from place where name = 'Rome'`;
const psql = findPostgresProgram('psql');
const served = 'the worker serves clients';
const workerEnded = 'a worker ended, and with it its sessions; it is replaced';

describe('two workers over one cache of the overseer', () => {
  let directory: TemporaryDirectory;
  let database: ProxiedDatabase;
  let untouched: string;

  const opened: Client[] = [];
  const open = async (connection: object = database.through): Promise<Client> => {
    const client = new Client(connection);
    // Its worker may be killed.
    client.on('error', () => undefined);
    opened.push(client);
    await client.connect();
    return client;
  };
  /** A session of each worker: clients go to the one that has the fewest. */
  const ofBoth = async (): Promise<[Client, Client]> => [await open(), await open()];
  const isRestricted = async (client: Client): Promise<boolean> => {
    const { rows } = await client.query<{ readonly 'QUERY PLAN': string }>(`explain (pcache) ${rome}`);
    return rows.some((row) => /restricted/.test(row['QUERY PLAN']));
  };
  /** Process numbers, the latest of each. */
  const workers = (): ReadonlyMap<number, number> =>
    new Map(database.logged(served).map(({ worker, process }) => [Number(worker), Number(process)]));
  const replaced = async (count: number): Promise<void> => {
    await until('there is another worker', () => database.logged(served).length === count, {
      deadlineMs: 60_000,
    });
  };
  /** What became of sessions of which one was a worker's that is gone. */
  const survivors = async (...clients: readonly Client[]): Promise<number> => {
    const results = await Promise.allSettled(clients.map((client) => client.query('select 1')));
    return results.filter(({ status }) => status === 'fulfilled').length;
  };

  beforeAll(async () => {
    directory = await temporaryDirectory('workers', { openToOthers: true });
    database = await ProxiedDatabase.start({
      cache: { backend: 'rocksdict' },
      hba: ['host all all 127.0.0.1/32 trust', 'local all all trust'],
      sections: {
        workers: 2,
        listen: { port: 0, socket_directory: directory.path },
        limits: { worker_timeout_ms: 4_000 },
      },
    });
    untouched = await new Promise((resolve) => void database.reload((text) => (resolve(text), text)));
  });
  afterEach(async () => {
    for (const client of opened.splice(0)) await client.end().catch(() => undefined);
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  test('what one has a statement for, the overseer learns, and both know', async () => {
    const [first, second] = await ofBoth();
    await until(
      'what it asks is restricted',
      async () => {
        await first.query(rome);
        return isRestricted(first);
      },
      { deadlineMs: 30_000 },
    );
    await until('the other knows', () => isRestricted(second));
    const direct = await open(database.direct);
    for (const text of reads) {
      const expected = multiset(await direct.query<unknown[]>({ text, rowMode: 'array' }));
      for (const client of [first, second]) {
        const found = await client.query<unknown[]>({ text, rowMode: 'array' });
        expect(multiset(found)).toEqual(expected);
      }
    }
    expect([...workers().keys()].sort()).toEqual([1, 2]);
  });

  test('clients are spread evenly, also if many come at once', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => open()));
    const { rows } = await clients[0]!.query<{ readonly count: number }>(
      `select count(*)::int from pg_stat_activity where backend_type = 'client backend' and usename = current_user`,
    );
    expect(rows[0]?.count).toBeGreaterThanOrEqual(20);
    for (const client of clients) expect((await client.query(rome)).rows).toHaveLength(romes);
  });

  test('a request to cancel finds its session at the other worker', async () => {
    for (const client of await ofBoth()) {
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
      const key = Buffer.alloc(4);
      key.writeInt32BE(secretKey);
      const request = encodeCancelRequest({ processId: processID, secretKey: key });
      const sleeping = client.query('select pg_sleep(60)').catch((error: unknown) => error);
      const direct = await open(database.direct);
      await until('it sleeps', async () => {
        const { rows } = await direct.query(
          `select 1 from pg_stat_activity where pid = $1 and state = 'active' and wait_event = 'PgSleep'`,
          [processID],
        );
        return rows.length > 0;
      });
      await new Promise((resolve, reject) => {
        const socket = connect(database.port, '127.0.0.1', () => socket.write(request));
        socket.on('error', reject).on('close', resolve).resume();
      });
      expect(await sleeping).toMatchObject({ code: '57014' });
    }
  });

  test('limits are for all workers together', async () => {
    const limited = stringify({ ...parse(untouched), limits: { max_sessions: 3 } });
    expect(await database.reload(() => limited)).toMatchObject({ level: 'info' });
    const clients = [await open(), await open(), await open()];
    await expect(open()).rejects.toMatchObject({ code: '53300' });
    await clients[1]!.end();
    await until('there is room', async () => {
      try {
        await open();
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: '53300' });
        return false;
      }
    });
    await database.reload(() => untouched);
  });

  test('limits of a user are as well', async () => {
    const limited = stringify({ ...parse(untouched), limits: { max_sessions_per_user: 1 } });
    expect(await database.reload(() => limited)).toMatchObject({ level: 'info' });
    await open();
    await expect(open()).rejects.toMatchObject({ code: '53300' });
    await database.reload(() => untouched);
  });

  test('all follow a reload, or none does', async () => {
    const clients = await ofBoth();
    const off = stringify({ ...parse(untouched), mode: 'off' });
    expect(await database.reload(() => off)).toMatchObject({ changes: 1 });
    for (const client of clients) expect((await client.query(rome)).rows).toHaveLength(romes);
    for (const client of await ofBoth())
      await expect(client.query(`explain (pcache) ${rome}`)).rejects.toMatchObject({ code: '42601' });
    expect(await database.reload(() => 'workers: 3')).toMatchObject({ level: 'error' });
    expect(await database.reload(() => 'mode: [')).toMatchObject({ level: 'error' });
    expect(await database.reload(() => untouched)).toMatchObject({ changes: 1 });
    for (const client of await ofBoth())
      await until('its statements are restricted', () => isRestricted(client), { deadlineMs: 30_000 });
  });

  const title = 'psql by the unix socket';
  (psql === undefined ? test.skip : test)(
    psql === undefined ? `${title} (skipped: there is none)` : title,
    () => {
      const { database: name = '', user = '' } = database.direct as { database?: string; user?: string };
      const args = ['-h', directory.path, '-p', String(database.port), '-U', user, '-d', name, '-Atc', rome];
      for (let i = 0; i < 2; i++) {
        const { stdout, stderr } = spawnSync(psql ?? '', args, { encoding: 'utf8' });
        expect([stdout.trim().split('\n').length, stderr]).toEqual([romes, '']);
      }
    },
  );

  test('a worker that is killed takes its own sessions with it, and no other, and is replaced', async () => {
    const count = database.logged(served).length;
    const clients = await ofBoth();
    process.kill(workers().get(1) ?? 0, 'SIGKILL');
    await replaced(count + 1);
    expect(await survivors(...clients)).toBe(1);
    expect(database.logged(workerEnded).at(-1)).toMatchObject({ worker: 1, how: 'SIGKILL', sessions: 1 });
    for (const client of await ofBoth()) expect((await client.query(rome)).rows).toHaveLength(romes);
    expect((await database.metrics()).get('pcache_worker_restarts_total')).toBe(1);
  });

  test('one that is told to end does so when its sessions do, and the configuration it began with is not the file', async () => {
    const count = database.logged(served).length;
    const [first, second] = await ofBoth();
    await first.query('begin');
    await second.query('begin');
    // It is what the file says, and nobody has read it again.
    writeFileSync(database.configFile, 'mode: [');
    process.kill(workers().get(2) ?? 0, 'SIGTERM');
    await until(
      'it leaves',
      () => database.logged('SIGTERM: the worker ends when its sessions do').length > 0,
    );
    for (const client of [first, second]) await client.query('commit');
    await replaced(count + 1);
    writeFileSync(database.configFile, untouched);
    for (const client of await ofBoth())
      await until('its statements are restricted', () => isRestricted(client), { deadlineMs: 30_000 });
  });

  test('one that does not move is killed; clients that were on their way to it are served by the other', async () => {
    const count = database.logged(served).length;
    process.kill(workers().get(1) ?? 0, 'SIGSTOP');
    // Some of them are handed to it.
    const clients = await Promise.all(Array.from({ length: 6 }, () => open()));
    for (const client of clients) expect((await client.query(rome)).rows).toHaveLength(romes);
    await replaced(count + 1);
    expect(database.logged('a worker gives no sign of life, and is killed')).toHaveLength(1);
  });

  test('an overseer that is killed: workers end, each session at the end of its transaction', async () => {
    const all = [...workers().values()];
    const [first, second] = await ofBoth();
    await first.query('begin');
    await second.query('begin');
    database.signal('SIGKILL');
    for (const client of [first, second]) {
      expect((await client.query(rome)).rows).toHaveLength(romes);
      const gone = new Promise((resolve) => client.once('end', resolve));
      await client.query('commit');
      await gone;
    }
    await database.killProgram();
    for (const pid of all) await until('the worker has ended', () => hasEnded(pid));
  });

  test('SIGTERM: sessions end at the end of their transactions, and the exit code is 0', async () => {
    await using program = new PcacheProcess(['proxy', '--config', database.configFile], {
      environment: { PASSWORD: 'sesame' },
    });
    const { listen } = (await program.logged('accepting connections')) as unknown as Addresses;
    const [first, second] = [
      await open({ ...database.direct, ...listen }),
      await open({ ...database.direct, ...listen }),
    ];
    await first.query('begin');
    await second.query('begin');
    program.send('SIGTERM');
    await until('it is being stopped', () => /shutting down/.test(program.stderr));
    for (const client of [first, second]) {
      expect((await client.query(rome)).rows).toHaveLength(romes);
      const gone = new Promise((resolve) => client.once('end', resolve));
      await client.query('commit');
      await gone;
    }
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(program.complaints).toEqual([]);
  });
});

/** One that nobody has asked about yet is still listed. */
function hasEnded(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || /^State:\s+Z/m.test(readFileSync(status, 'utf8'));
}

interface Addresses {
  readonly listen: { readonly port: number };
}
