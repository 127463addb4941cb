import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { composeProxy } from '../../../src/cli/compose';
import { composeObserver } from '../../../src/cli/observer/compose-observer';
import { observerConfig, type ObserverFlags } from '../../../src/cli/observer/observer-flags';
import { RunTimesFile } from '../../../src/cli/observer/run-times-file';
import { openQueues } from '../../../src/cli/open-queues';
import { createLog } from '../../../src/ops/log/create-log';
import type { PcacheConfig } from '../../../src/ops/config/pcache-config';
import { readConfig } from '../../../src/ops/config/read-config';
import { originalQueries, type OriginalQuery } from '../../../src/population/queue/work-kind';
import { readDatabaseIdentity } from '../../../src/postgres/catalog/read-database-identity';
import { openPool } from '../../../src/postgres/control-pool';
import { runPcache } from '../../support/pcache-process';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

/** A database with a cache and a queue in it, that proxies and observers share as processes of their own would. */
let server: PostgresServer;
let name: string;
let admin: Client;
let directory: TemporaryDirectory;
let running: AsyncDisposable[];
let logged: string[];

beforeAll(async () => {
  server = await startPostgres();
  name = await server.createDatabase();
  admin = new Client(server.connectionOptions(name));
  await admin.connect();
  await admin.query(`
    create table place (id int primary key, region_id int not null, name text not null);
    insert into place select i, i / 10, md5(i::text) from generate_series(1, 20000) as i;
    create index on place (region_id);
    analyze place;`);
  directory = await temporaryDirectory('observer');
  expect(await pcache('manage', 'setup')).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await admin.end();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});
beforeEach(async () => {
  running = [];
  logged = [];
  await admin.query(`truncate pcache.original_query_queue, pcache.query_fragment_queue,
    pcache.original_query_queue_dead, pcache.query_fragment_queue_dead, pcache.cache_entry`);
});
afterEach(async () => {
  for (const each of running.reverse()) await each[Symbol.asyncDispose]();
});

function configuration(sections: object = {}): string {
  const { port, user } = server.connectionOptions(name);
  return JSON.stringify({
    listen: { port: 0 },
    admin: { port: 0 },
    upstream: { port },
    cache: { backend: 'postgresql_array', path: join(directory.path, 'unused') },
    population: { min_query_ms: 0, duty: 1 },
    databases: {
      [name]: {
        control: { user, password_env: 'PASSWORD' },
        partition_keys: {
          region: {
            datatype: 'integer',
            consistency: 'static',
            method: 'inline',
            tables: { 'public.place': 'region_id' },
          },
        },
      },
    },
    ...sections,
  });
}

const environment = (): Record<string, string> => ({ PASSWORD: server.connectionOptions(name).password });
const pcache = (...args: string[]): ReturnType<typeof runPcache> =>
  runPcache([...args, '-c', '-'], { input: configuration(), environment: environment() });

function read(sections?: object): PcacheConfig {
  const text = configuration(sections);
  return readConfig(text, {
    source: 'test',
    environment: environment(),
    workingDirectory: directory.path,
    flags: [],
  });
}

/** What is logged is kept. */
function log(config: PcacheConfig): ReturnType<typeof createLog> {
  return createLog(config.log, {
    write: (line) => void logged.push(String((JSON.parse(line) as { msg: unknown }).msg)),
  });
}

async function observing(flags: Partial<ObserverFlags> = {}, sections?: object): Promise<void> {
  const config = observerConfig(read(sections), flags as ObserverFlags);
  const path = flags['log-query-times'];
  const times = path === undefined ? undefined : new RunTimesFile(path, () => undefined);
  const onFinished: RunTimesFile['add'] = (database, run) => times?.add(database, run);
  running.push(await composeObserver(config, { adminPort: undefined, onFinished }, log(config)));
}

async function proxy(sections: object): Promise<Client> {
  const config = read(sections);
  const started = await composeProxy(config, log(config));
  running.push(started);
  const client = new Client({ ...server.connectionOptions(name), port: started.addresses.listen.port });
  await client.connect();
  running.push({ [Symbol.asyncDispose]: () => client.end() });
  return client;
}

async function queue(...queries: readonly (string | Partial<OriginalQuery>)[]): Promise<void> {
  await using pool = openPool(server.connectionOptions(name));
  const config = read();
  await using queues = openQueues(config, undefined, log(config));
  await using tier = queues.open(originalQueries, () => readDatabaseIdentity(pool));
  const common = { partitionKey: 'region', datatype: 'integer', query: '' } as const;
  const works = queries.map((each) => ({
    ...common,
    ...(typeof each === 'string' ? { query: each } : each),
  }));
  await tier.push(works.map((work) => ({ work, priority: 1 })));
}

async function count(sql: string): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(`select count(*)::int as n from ${sql}`);
  return rows[0]?.n ?? NaN;
}

const placeNamed = (i: number): string => `select id from place where name = md5('${i}') order by id`;

test('an observer computes what a proxy that computes nothing has learned', async () => {
  const client = await proxy({ population: { min_query_ms: 0, duty: 1, run_by: 'observer' } });
  await until('the fragment is queued', async () => {
    expect((await client.query(placeNamed(77))).rows).toEqual([{ id: 77 }]);
    return (await count('pcache.query_fragment_queue')) > 0;
  });
  expect(await count('pcache.cache_entry')).toBe(0);

  const times = join(directory.path, 'times.csv');
  await observing({ 'log-query-times': times, 'max-processes': '3' });
  await until('there is an entry', async () => (await count(`pcache.cache_entry where status = 'ok'`)) > 0);
  await until('the queue is empty', async () => (await count('pcache.query_fragment_queue')) === 0);
  expect(readFileSync(times, 'utf8').split('\n').slice(0, 2)).toEqual([
    'finished_at,database,partition_key,hash,status,seconds,keys',
    expect.stringMatching(new RegExp(`^\\S+Z,${name},region,[0-9a-f]{64},ok,[0-9.]+,1$`)),
  ]);
  await until('the proxy restricts by it', async () => {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${placeNamed(77)}`);
    return rows.some((row) => row['QUERY PLAN'].includes('region_id'));
  });
  expect((await client.query(placeNamed(77))).rows).toEqual([{ id: 77 }]);
});

test('observers share the work: statements of the first tier become entries, each run once', async () => {
  const times = join(directory.path, 'shared.csv');
  await observing({ 'disable-optimized-polling': true, 'log-query-times': times });
  await observing({ 'log-query-times': times });
  await queue(...Array.from({ length: 20 }, (_, i) => placeNamed(i + 1)));
  await until('all are there', async () => (await count(`pcache.cache_entry where status = 'ok'`)) === 20);
  await until('both tiers are empty', async () => {
    const left = (await count('pcache.original_query_queue')) + (await count('pcache.query_fragment_queue'));
    return left === 0;
  });
  expect(readFileSync(times, 'utf8').match(/,ok,/g)).toHaveLength(20);
});

test('what cannot be analysed becomes a dead letter with the reason', async () => {
  await observing();
  await queue(
    'select nonsense from from',
    'select id from place where random() > 0.5',
    'select 1',
    { query: placeNamed(1), datatype: 'text' },
    { query: placeNamed(1), partitionKey: 'nobody' },
  );
  await until('they are dead', async () => (await count('pcache.original_query_queue_dead')) === 5);
  const { rows } = await admin.query<{ reason: string }>(
    'select reason from pcache.original_query_queue_dead order by reason collate "C"',
  );
  expect(rows.map(({ reason }) => reason)).toEqual([
    'it cannot be parsed as SQL',
    'no partition key',
    'the partition key region is of datatype integer, not text',
    'there is no partition key nobody in the configuration',
    expect.stringContaining('volatile'),
  ]);
});

test('what a statement means is decided by the settings that come with it', async () => {
  await admin.query(
    `create schema if not exists elsewhere; create table if not exists elsewhere.place (like public.place)`,
  );
  await observing();
  const [known, unknown] = [placeNamed(3), placeNamed(4)];
  await queue(
    { query: known, settings: { search_path: 'public' } },
    // There it is another table, of which nothing is tracked.
    { query: unknown, settings: { search_path: 'elsewhere' } },
  );
  await until('one is dead', async () => (await count('pcache.original_query_queue_dead')) === 1);
  await until('one is there', async () => (await count(`pcache.cache_entry where status = 'ok'`)) === 1);
});

test('a known fragment is run again only if that is asked for', async () => {
  const times = join(directory.path, 'forced.csv');
  const runs = (): number => readFileSync(times, 'utf8').match(/,ok,/g)?.length ?? 0;
  await observing({ 'log-query-times': times });
  await queue(placeNamed(9));
  await until('it has run', () => runs() === 1);
  await queue(placeNamed(9), placeNamed(10));
  await until('the other has run', () => runs() === 2);
  for (const each of running.splice(0)) await each[Symbol.asyncDispose]();

  const config = observerConfig(read(), { 'log-query-times': times } as ObserverFlags);
  const file = new RunTimesFile(times, () => undefined);
  running.push(
    await composeObserver(
      config,
      { adminPort: undefined, isForced: true, onFinished: (database, run) => file.add(database, run) },
      log(config),
    ),
  );
  await queue(placeNamed(9));
  await until('it has run again', () => runs() === 3);
});

test('refuses: a cache or a queue that belongs to one process, and numbers that are none', async () => {
  const nothing = { adminPort: undefined, onFinished: () => undefined };
  for (const [sections, reason] of [
    [
      { cache: { backend: 'rocksdb_set', path: join(directory.path, 'own') } },
      /cache that several processes/,
    ],
    [{ queue: { provider: 'in_process' } }, /queue it can see/],
  ] as const) {
    const config = read(sections);
    await expect(composeObserver(config, nothing, log(config))).rejects.toThrow(reason);
  }
  const flags = (given: object): ObserverFlags => given as ObserverFlags;
  expect(() => observerConfig(read(), flags({ limit: 'many' }))).toThrow(/--limit many: expected a number/);
  expect(() => observerConfig(read(), flags({ 'max-processes': '1.5' }))).toThrow(/a whole number/);
  expect(() => observerConfig(read(), flags({ 'add-constraint': ['x'] }))).toThrow(/SCHEMA.TABLE=CONDITION/);
});

test('a loaded server is left in peace until it is not', async () => {
  await observing({}, { population: { min_query_ms: 0, max_active_connections: 1 } });
  const busy = [1, 2].map(() => new Client(server.connectionOptions(name)));
  for (const client of busy) {
    client.on('error', () => undefined);
    await client.connect();
  }
  const sleeping = busy.map((client) => client.query('select pg_sleep(600)').catch(() => undefined));
  try {
    await until('it waits', () => logged.includes('the server is loaded: population waits'));
    await queue(placeNamed(5));
    await until('the fragment waits', async () => (await count('pcache.query_fragment_queue')) === 1);
    expect(await count('pcache.cache_entry')).toBe(0);
  } finally {
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'select pg_sleep%'`,
    );
    await Promise.all(sleeping);
    for (const client of busy) await client.end().catch(() => undefined);
  }
  await until('it goes on', () => logged.includes('population goes on'));
  await until('it is computed', async () => (await count('pcache.cache_entry')) === 1);
});

test('statements are added, counted and listed by hand', async () => {
  const several = [placeNamed(1), placeNamed(2)].join(';');
  expect(await pcache('manage', 'queue', 'add', '--key', 'region', several)).toMatchObject({
    code: 0,
    stdout: '2 statements queued\n',
  });
  const { stdout } = await pcache('manage', 'queue', 'status');
  expect(stdout).toContain(`${name} original_query_queue: 2 waiting, 0 delayed, 0 running, 0 dead`);
});
