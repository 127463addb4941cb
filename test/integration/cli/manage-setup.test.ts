import { Client } from 'pg';
import { runPcache } from '../../support/pcache-process';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

let server: PostgresServer;
let input: string;
let admin: Client;
beforeAll(async () => {
  server = await startPostgres();
  const { host, port, user, database } = server.connectionOptions(await server.createDatabase());
  const cache = {
    backend: 'postgresql_array',
    postgresql: { host, port, user, database, password_env: 'CACHE_PASSWORD' },
  };
  input = JSON.stringify({ cache });
  admin = new Client(server.connectionOptions(database));
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const manage = (...args: string[]): ReturnType<typeof runPcache> =>
  runPcache(['manage', ...args, '-c', '-'], {
    input,
    environment: { CACHE_PASSWORD: server.connectionOptions('postgres').password },
  });

test('setup says what it would do, does it, and then has nothing to do', async () => {
  expect((await manage('cache', 'count')).stderr).toMatch(/is not set up .* run: pcache manage setup/);
  expect((await manage('setup', '--dry-run')).stdout).toMatch(
    /^cache in schema "pcache" on .*: to apply: 0001-entries, 0002-bytes, 0003-in-place, 0004-benefit\nqueue in .*: to apply: 0001-queues\n$/,
  );
  expect((await manage('setup', 'queue')).stdout).toMatch(/^queue in .*: applied: 0001-queues\n$/);
  expect((await manage('setup')).stdout).toMatch(
    /^cache in .*: applied: 0001-entries, 0002-bytes, 0003-in-place, 0004-benefit\nqueue in .*: up to date\n$/,
  );
  expect((await manage('setup')).stdout).toMatch(/^cache .*: up to date\nqueue .*: up to date\n$/);
  expect(await manage('cache', 'count')).toMatchObject({
    code: 0,
    stdout: 'no partition key is registered\n',
  });
});

test('grants prints SQL that the server takes', async () => {
  const { code, stdout } = await manage('grants', '--control', 'pg_monitor');
  expect(code).toBe(0);
  await admin.query(stdout);
});

test('a schema of a later version: exit code 3', async () => {
  await admin.query(
    `insert into pcache.cache_migration (number, name, is_breaking) values (99, '0099-later', true)`,
  );
  for (const args of [['setup'], ['setup', '--dry-run'], ['cache', 'count']]) {
    const { code, stderr } = await manage(...args);
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/of a later version \(0099-later\); use a newer pcache/),
    ]);
  }
});
