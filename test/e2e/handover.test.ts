import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { parse, stringify } from 'yaml';
import { descriptorOf, listen } from '../../src/postgres/listen';
import { connected, romes } from '../support/changing-data';
import { freePort } from '../support/free-port';
import { HeldConfig, replaceFile } from '../support/held-config';
import { PcacheProcess } from '../support/pcache-process';
import { pgbench, startPgbench } from '../support/pgbench';
import { ProxiedDatabase } from '../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory';
import { TransferringClient, transferForms, transferTables } from '../support/transfers';
import { until } from '../support/until';

/** A busy machine takes some seconds to start a program. */
const hangsMs = 12_000;
const handovers = Number(process.env['PCACHE_TEST_HANDOVERS'] ?? 3);
/** The one process that a process has started. */
function successorOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

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
      sections: {
        listen: { port: await freePort(), socket_directory: directory.path },
        admin: { port: 0, users: 'boss' },
      },
      hba: ['host all all 127.0.0.1/32 trust', 'local all all trust'],
      prepare: async (connection) => {
        await using superuser = await connected(connection);
        await superuser.client.query(`${transferTables}; create role boss login`);
      },
    });
    untouched = readFileSync(database.configFile, 'utf8');
    await restricts();
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  // A test that failed meanwhile may have left a pipe there, and who opens that waits.
  afterEach(() => replaceFile(database.configFile, untouched));

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

  const changed = (duty: number): string => {
    const config = parse(untouched);
    return stringify({ ...config, population: { ...config.population, duty } });
  };
  const count = (message: string): number => database.logged(message).length;
  const notReloaded = 'the configuration is not reloaded; the old one stays';
  const started = 'SIGUSR2: starting a successor';
  const restore = async (): Promise<void> => {
    expect(await database.reload(() => untouched)).toMatchObject({ level: 'info' });
    await restricts();
  };

  test('what is asked for while a successor starts: SIGHUP is passed on to it, a second SIGUSR2 starts no other', async () => {
    for (const text of [changed(0.5), 'mode: [']) {
      const held = new HeldConfig(database.configFile);
      const outcome = database.handOver();
      await held.replace(text);
      const before = [count('option changed'), count(notReloaded), count(started)];
      database.signal('SIGHUP');
      database.signal('SIGUSR2');
      await until('it has been heard', () =>
        count('SIGUSR2: there is a successor already, or one is being started'),
      );
      // Without sockets of its own, and without the cache, it serves.
      expect((await (await connect()).query(rome)).rows).toHaveLength(romes);
      held.goOn(untouched);
      expect(await outcome).toMatchObject({ successor: expect.any(Number) });
      const [options = 0, refusals = 0, starts] = before;
      await until('the successor has read what is there now', () =>
        text === 'mode: [' ? count(notReloaded) > refusals : count('option changed') > options,
      );
      expect(count(started)).toBe(starts);
      await restore();
    }
  }, 60_000);

  test('a successor that hangs, and one that is killed: the proxy goes on, and does what it was asked for meanwhile', async () => {
    await database.reload((text) => stringify({ ...parse(text), limits: { successor_timeout_ms: hangsMs } }));
    for (const duty of [0.3, 0.4]) {
      const held = new HeldConfig(database.configFile);
      const outcome = database.handOver();
      await held.replace(changed(duty));
      const before = count('option changed');
      database.signal('SIGHUP');
      if (duty === 0.4) process.kill(successorOf(database.pid), 'SIGKILL');
      expect(JSON.stringify(await outcome)).toMatch(
        duty === 0.4 ? /ended with SIGKILL/ : new RegExp(`within ${hangsMs} ms`),
      );
      await until('it is reloaded', () => count('option changed') > before);
      await restricts();
      if (duty === 0.3)
        await database.reload((text) =>
          stringify({ ...parse(text), limits: { successor_timeout_ms: 60_000 } }),
        );
    }
    await restore();
  }, 120_000);

  test('SIGHUP, and SIGUSR2 at once: one after the other, whatever is in the file', async () => {
    for (const text of [changed(0.6), 'mode: [']) {
      writeFileSync(database.configFile, text);
      const before = count('option changed') + count(notReloaded);
      database.signal('SIGHUP');
      const outcome = await database.handOver();
      expect(outcome).toMatchObject(
        text === 'mode: [' ? { level: 'error' } : { successor: expect.any(Number) },
      );
      expect(count('option changed') + count(notReloaded)).toBeGreaterThan(before);
      if (text !== 'mode: [') await restricts();
    }
    await restore();
  }, 60_000);

  test('what an operator has set: the successor goes on with it, but for a mode if another one is configured by then', async () => {
    const ask = async (...commands: readonly string[]): Promise<unknown> => {
      await using boss = await connected({ ...database.through, user: 'boss', database: 'pcache' });
      for (const command of commands) await boss.client.query(command);
      return (await boss.client.query('show mode')).rows[0];
    };
    await ask('pause population', 'set mode off');
    expect(await database.handOver()).toMatchObject({ successor: expect.any(Number) });
    const set = { mode: 'off', set_by: 'operator', configured: 'on' };
    expect(await ask()).toMatchObject(set);
    // Nothing is known of statements that are only relayed.
    const client = await connect();
    await expect(client.query(`explain (pcache) ${rome}`)).rejects.toMatchObject({ code: '42601' });
    await client.end();
    // Reloads leave it, and what has been read is not written since.
    await database.reload((text) => stringify({ ...parse(text), mode: 'observe' }));
    expect(await ask()).toMatchObject({ ...set, configured: 'observe' });
    writeFileSync(database.configFile, stringify({ ...parse(untouched), mode: 'verify' }));
    expect(await database.handOver()).toMatchObject({ successor: expect.any(Number) });
    const configured = { mode: 'verify', set_by: 'configuration', configured: 'verify' };
    expect(await ask()).toEqual({ ...configured, population: 'paused' });
    await ask('resume population');
    await restore();
  }, 60_000);

  const title = `no transaction fails, is cut or lost in ${handovers} handovers: of clients that stay`;
  test(
    pgbench === undefined
      ? `${title} (those that connect for each are skipped: pgbench is not installed)`
      : `${title}, and of those that connect for each`,
    async () => {
      const isOver = new AbortController();
      const connections = { through: database.through, direct: database.direct };
      const clients = transferForms.map((form, i) => new TransferringClient(i, form, connections));
      const transferring = Promise.all(clients.map((client) => client.run(isOver.signal)));
      await using others = await startPgbench(
        `begin;\n${rome};\nselect 1;\ncommit;\n`,
        ['-C', '-c', '3'],
        database.environment(database.through),
      );
      for (let i = 0; i < handovers; i++) {
        const outcome = await Promise.race([database.handOver(), transferring]);
        expect(outcome).toMatchObject({ successor: expect.any(Number) });
        expect(others?.trouble()).toBeUndefined();
      }
      await restricts();
      for (const { goodbyes } of clients) expect(goodbyes).toBeGreaterThanOrEqual(handovers / 3);
      isOver.abort();
      await transferring;
      const told = clients.map(
        ({ goodbyes, transactions }) => `${transactions} (sent away ${goodbyes} times)`,
      );
      if (handovers > 3) process.stdout.write(`transactions of clients that stay: ${told.join(', ')}\n`);
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

  test('stops a proxy that is starting a successor: neither of them stays', async () => {
    const other = join(directory.path, 'stopped.yaml');
    const text = readFileSync(config(), 'utf8').concat('listen: { port: 0 }\n');
    for (const isStarting of [true, false]) {
      writeFileSync(other, text);
      await using program = new PcacheProcess(['proxy', '--config', other]);
      await program.logged('accepting connections');
      const held = new HeldConfig(other);
      program.send('SIGUSR2');
      if (isStarting) await held.replace(text);
      program.send('SIGTERM');
      // Its standard error is the successor's as well.
      const { code, stderr } = await program.ended;
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('keeps the process alive')]);
      expect(program.loggedSoFar('accepting connections')).toHaveLength(1);
    }
  });

  test('sees a proxy killed that is starting a successor: that one serves', async () => {
    const file = join(directory.path, 'killed.yaml');
    const port = await freePort();
    const text = readFileSync(config(), 'utf8').concat(`listen: { port: ${port} }\n`);
    writeFileSync(file, text);
    await using program = new PcacheProcess(['proxy', '--config', file]);
    await program.logged('accepting connections');
    const held = new HeldConfig(file);
    program.send('SIGUSR2');
    await held.replace(text);
    const successor = successorOf(program.pid);
    program.send('SIGKILL');
    await until('it is gone', () => !existsSync(`/proc/${program.pid}/cwd`) || undefined);
    held.goOn(text.replace(String(port), String(port - 1)));
    await until('the successor serves', () => program.loggedSoFar('accepting connections').length === 2, {
      deadlineMs: 60_000,
    });
    const client = new Client({ host: '127.0.0.1', port, user: 'nobody', database: 'nothing' });
    await expect(client.connect()).rejects.toMatchObject({ code: '08006' });
    const other = { option: 'listen.port', port, configured: port - 1 };
    expect(program.complaints).toContainEqual(expect.objectContaining(other));
    process.kill(successor, 'SIGTERM');
    const { stderr } = await program.ended;
    expect(stderr).toMatch(/"ended"\}\n$/);
  });

  test('asks for a successor of a proxy whose configuration came from standard input: it goes on alone', async () => {
    const input = readFileSync(config(), 'utf8').concat('listen: { port: 0 }\n');
    await using program = new PcacheProcess(['proxy', '--config', '-'], { input });
    await program.logged('accepting connections');
    program.send('SIGUSR2');
    const message =
      'SIGUSR2: no successor is started, as it would not find the configuration on standard input';
    expect(await program.logged(message)).toMatchObject({ level: 'error' });
    program.send('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
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
