import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { CliSession } from '../../support/cli-session';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

let server: PostgresServer;
let directory: TemporaryDirectory;
let cli: CliSession;
let admin: Client;
beforeAll(async () => {
  server = await startPostgres();
  const { host, port, user, database } = server.connectionOptions(await server.createDatabase());
  const partitionKey = (tables: Record<string, string>) => ({
    datatype: 'integer',
    consistency: 'static',
    tables,
  });
  directory = await temporaryDirectory('track');
  const config = JSON.stringify({
    upstream: { host, port },
    databases: {
      [database]: {
        control: { user, password_env: 'PASSWORD' },
        partition_keys: {
          region: partitionKey({ 'public.place': 'region_id', 'public.seen': 'region_id' }),
          kind: partitionKey({ 'public.place': 'kind_id' }),
        },
      },
    },
  });
  writeFileSync(join(directory.path, 'pcache.json'), config);
  cli = new CliSession({ PASSWORD: server.password }, directory.path);
  admin = new Client(server.connectionOptions(database));
  await admin.connect();
  await admin.query('create table place (id int, region_id int, kind_id int); create role proxy');
});
afterAll(async () => {
  await cli[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
  await admin.end();
  await server.stop();
});

const track = (...args: string[]): ReturnType<CliSession['run']> =>
  cli.run(['track', ...args, '-c', 'pcache.json']);

test('install, status, grants and remove', async () => {
  const first = await track('install');
  expect(first.stdout).toMatch(
    /as postgres\n {2}public.place \(region_id\): tracked\n {2}public.seen \(region_id\): not tracked: there is no such table\n {2}public.place \(kind_id\): tracked\n$/,
  );
  expect(first).toMatchObject({ code: 1, stderr: 'pcache: 1 table is not tracked\n' });

  await admin.query('create table seen (region_id int)');
  await admin.query('alter event trigger pcache_ddl disable; alter table place disable trigger all');
  const broken = await track('status');
  expect(broken).toMatchObject({ code: 1, stderr: 'pcache: changes may go unnoticed: see above\n' });
  expect(broken.stdout).toMatch(
    /public.place \(region_id\): trigger pcache_\d+_delete on place is disabled; run: /,
  );
  expect(broken.stdout).toContain('public.seen (region_id): not tracked; run: pcache track install');
  expect(broken.stdout).toContain('DDL is not watched');

  expect(await track('install')).toMatchObject({ code: 0, stderr: '' });
  const mended = await track('status');
  expect(mended).toMatchObject({ code: 0, stderr: '' });
  const [found, installed] = [await track('status', '--json'), await track('install', '--json')];
  expect(JSON.parse(found.stdout)).toMatchObject({
    findings: [
      { ok: true, says: 'DDL is watched' },
      { ok: true, table: 'public.place (region_id)', says: 'public.place (region_id): tracked' },
      { ok: true, table: 'public.seen (region_id)' },
      { ok: true, table: 'public.place (kind_id)' },
    ],
  });
  const table = { schema: 'public', tracked: true, problems: [] };
  expect(JSON.parse(installed.stdout)).toMatchObject({
    ddl_watched: true,
    tables: [
      { ...table, table: 'place', key_column: 'region_id' },
      { ...table, table: 'seen', key_column: 'region_id' },
      { ...table, table: 'place', key_column: 'kind_id' },
    ],
  });
  expect(mended.stdout).toMatch(/DDL is watched\n {2}public.place \(region_id\): tracked\n/);

  const grants = await track('grants', '--control', 'proxy');
  await admin.query(grants.stdout);
  await admin.query(`set role proxy; select pcache.notice(), pcache.compact('3', 10); reset role`);

  expect(await track('remove', '--key', 'kind')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Stop noting changes of the 1 tables of kind in .*say --yes if so/),
  });
  const removed = await track('remove', '--key', 'kind', '--yes');
  expect(removed.stdout).toMatch(/\n {2}public.place \(kind_id\): no longer tracked\n$/);
  const rest = await track('remove', '--yes', '--json');
  expect(JSON.parse(rest.stdout)).toMatchObject({
    removed: [
      { table: 'place', key_column: 'region_id' },
      { table: 'seen', key_column: 'region_id' },
    ],
  });
});

test('refuses: a partition key that is none', async () => {
  expect(await track('install', '--key', 'nothing')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'there is no partition key nothing under databases: there are region, kind',
    ),
  });
});

test.each<[string[], string]>([
  [['--user', 'postgres', '--password-env', 'NOWHERE'], '--password-env NOWHERE: the variable is not set'],
  [['--database', 'nowhere'], 'there is no database nowhere under databases: there are '],
])('refuses what would be without effect: %j', async (args, message) => {
  const { code, stderr } = await track('status', ...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});
