import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { descriptorOf, listen } from '../../src/postgres/listen';
import { romes } from '../support/changing-data';
import { freePort } from '../support/free-port';
import { PcacheProcess } from '../support/pcache-process';
import { findPostgresProgram } from '../support/postgres-server';
import { ProxiedDatabase } from '../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';

const pgbench = findPostgresProgram('pgbench');
const testWithPgbench = pgbench === undefined ? test.skip : test;
const handovers = Number(process.env['PCACHE_TEST_HANDOVERS'] ?? 3);
const rome = `select id, region_id from place where name = 'Rome'`;

describe('a successor takes over', () => {
  let directory: TemporaryDirectory;
  let database: ProxiedDatabase;
  let untouched: string;

  const connect = async (): Promise<Client> => {
    const client = new Client(database.through);
    // Sent away when it is idle.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const restricts = async (): Promise<void> => {
    const client = await connect();
    await until(
      'statements are restricted',
      async () => {
        const before = await database.hits();
        const { rows } = await client.query(rome);
        expect(rows).toHaveLength(romes);
        return (await database.hits()) > before;
      },
      { deadlineMs: 30_000 },
    );
    await client.end();
  };

  beforeAll(async () => {
    directory = await temporaryDirectory('handover', { openToOthers: true });
    database = await ProxiedDatabase.start({
      cache: { backend: 'rocksdb_set', path: join(directory.path, 'cache') },
      sections: { listen: { port: await freePort(), socket_directory: directory.path } },
    });
    untouched = readFileSync(database.configFile, 'utf8');
    await restricts();
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  test('a transaction that is open goes on to its end; the cache is the successor’s', async () => {
    const client = await connect();
    await client.query('begin');
    expect(await database.handOver()).toMatchObject({ successor: expect.any(Number) });
    await restricts();
    expect((await client.query(rome)).rows).toHaveLength(romes);
    const ended = new Promise((resolve) => client.once('end', resolve));
    await client.query('commit');
    await ended;
  });

  test('a successor that does not start: the proxy goes on as before', async () => {
    writeFileSync(database.configFile, 'mode: [');
    expect(await database.handOver()).toMatchObject({ level: 'error' });
    writeFileSync(database.configFile, untouched);
    await restricts();
  });

  test('the unix socket is there all the time, and is the successor’s', async () => {
    const path = join(directory.path, `.s.PGSQL.${database.port}`);
    const { ino } = statSync(path);
    await database.handOver();
    expect(statSync(path).ino).not.toBe(ino);
    const client = new Client({ ...database.through, host: directory.path });
    await client.connect();
    expect((await client.query(rome)).rows).toHaveLength(romes);
    await client.end();
  });

  const title = `no transaction of clients that connect for each fails in ${handovers} handovers`;
  testWithPgbench(
    pgbench === undefined ? `${title} (skipped: pgbench is not installed)` : title,
    async () => {
      const script = join(directory.path, 'script.pgbench');
      writeFileSync(script, `begin;\n${rome};\nselect 1;\ncommit;\n`);
      const args = [
        '-n',
        '-C',
        '-c',
        '3',
        '-T',
        '3600',
        '-f',
        script,
        '--log',
        `--log-prefix=${join(directory.path, 'log')}`,
      ];
      const env = { ...process.env, ...database.environment(database.through) };
      const child = spawn(pgbench ?? '', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      const ended = once(child, 'exit');
      for (let i = 0; i < handovers; i++) {
        expect(await database.handOver()).toMatchObject({ successor: expect.any(Number) });
        expect([child.exitCode, output]).toEqual([null, expect.not.stringMatching(/error|abort/)]);
      }
      await restricts();
      child.kill('SIGINT');
      await ended;
      expect(output).not.toMatch(/error|abort|failed/);
    },
    60_000 + handovers * 20_000,
  );
});

describe('a service manager', () => {
  let directory: TemporaryDirectory;
  const config = (): string => join(directory.path, 'pcache.yaml');

  beforeAll(async () => {
    directory = await temporaryDirectory('service');
    writeFileSync(config(), 'upstream: { host: 127.0.0.1, port: 1 }\nadmin: { port: 0 }\n');
  });
  afterAll(() => directory[Symbol.asyncDispose]());

  test('hands over a socket that is listened on, and clients find the proxy behind it', async () => {
    const server = createServer();
    const { port } = await listen(server, { host: '127.0.0.1', port: 0 });
    await using program = new PcacheProcess(['proxy', '--config', config()], {
      prelude: 'export LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=pcache.socket',
      inheritedDescriptor: descriptorOf(server),
    });
    expect(await program.logged('accepting connections')).toMatchObject({ listen: { port } });
    server.close();
    const client = new Client({ host: '127.0.0.1', port, user: 'nobody', database: 'nothing' });
    // The proxy has no server behind it, and says so.
    await expect(client.connect()).rejects.toMatchObject({ code: '08006' });
  });

  test('hands over a socket under a name that is not known: nothing starts', async () => {
    await using program = new PcacheProcess(['proxy', '--config', config()], {
      prelude: 'export LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=clients:metrics',
    });
    const { code, stderr } = await program.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/"metrics".*clients, admin/);
  });

  const hasNotify = existsSync('/usr/bin/systemd-notify') && existsSync('/usr/bin/socat');
  const title = 'hears when the proxy serves, when it is stopped, and that it is alive';
  (hasNotify ? test : test.skip)(
    hasNotify ? title : `${title} (skipped: there is no systemd-notify and socat)`,
    async () => {
      const path = join(directory.path, 'notify');
      const manager = spawn('socat', ['-u', `UNIX-RECVFROM:${path},fork`, 'STDOUT'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let heard = '';
      manager.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
      await until('the service manager listens', () => existsSync(path));
      await using program = new PcacheProcess(['proxy', '--config', config()], {
        environment: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000', PCACHE_LISTEN_PORT: '0' },
      });
      await until('it is told', () => /READY=1[^]*WATCHDOG=1/.test(heard), { deadlineMs: 30_000 });
      program.send('SIGTERM');
      expect(await program.ended).toMatchObject({ code: 0 });
      await until('it is told', () => heard.includes('STOPPING=1'));
      manager.kill();
    },
  );
});
