import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { composeObserver } from '../../../src/cli/observer/compose-observer';
import {
  observerChoices,
  observerConfig,
  type ObserverFlags,
} from '../../../src/cli/observer/observer-flags';
import { RunTimesFile } from '../../../src/cli/observer/run-times-file';
import { openQueues, type Queues } from '../../../src/cli/open-queues';
import type { PcacheConfig } from '../../../src/ops/config/pcache-config';
import { readConfig } from '../../../src/ops/config/read-config';
import { createLog } from '../../../src/ops/log/create-log';
import { fragments, originalQueries } from '../../../src/population/queue/work-kind';
import { readDatabaseIdentity } from '../../../src/postgres/catalog/read-database-identity';
import { openPool } from '../../../src/postgres/control-pool';
import { PcacheProcess, runPcache } from '../../support/pcache-process';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

/** Each option of `pcache observer` does what it says: given as on the command line, and seen on the server. */
let server: PostgresServer;
let name: string;
let admin: Client;
let directory: TemporaryDirectory;
let running: AsyncDisposable[];

beforeAll(async () => {
  server = await startPostgres();
  name = await server.createDatabase();
  admin = new Client(server.connectionOptions(name));
  await admin.connect();
  await admin.query(`
    create table place (id int primary key, region_id int not null, name text not null, x float8);
    insert into place select i, i / 10, md5(i::text), i from generate_series(1, 2000) as i;
    create table zero (region_id int not null, x float8);
    insert into zero select i, 0 from generate_series(0, 200) as i;
    create function distance(a float8, b float8) returns float8 immutable language sql as 'select abs(a - b)';
    analyze place, zero`);
  directory = await temporaryDirectory('observer-flags');
  expect(await runPcache(['manage', 'setup', '-c', '-'], program())).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await admin.end();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});
beforeEach(async () => {
  running = [];
  await admin.query(`truncate pcache.original_query_queue, pcache.query_fragment_queue,
    pcache.original_query_queue_dead, pcache.query_fragment_queue_dead, pcache.cache_entry`);
});
afterEach(async () => {
  await admin.query('rollback');
  for (const each of running.reverse()) await each[Symbol.asyncDispose]();
});

function configuration(): string {
  const { port, user } = server.connectionOptions(name);
  const tables = { 'public.place': 'region_id', 'public.zero': 'region_id' };
  return JSON.stringify({
    ...{ listen: { port: 0 }, admin: { port: 0 }, upstream: { port }, log: { level: 'info' } },
    cache: { backend: 'postgresql_array', path: join(directory.path, 'unused') },
    population: { duty: 1 },
    databases: {
      [name]: {
        control: { user, password_env: 'PASSWORD' },
        partition_keys: { region: { datatype: 'integer', consistency: 'static', tables } },
      },
    },
  });
}

const environment = (): Record<string, string> => ({ PASSWORD: server.connectionOptions(name).password });
const program = () => ({ input: configuration(), environment: environment() });

function read(): PcacheConfig {
  const options = { source: 'test', environment: environment(), workingDirectory: directory.path, flags: [] };
  return readConfig(configuration(), options);
}

const listed = /^(add-constraint|remove-constraints-)/;

/** As yargs reads a command line; it cannot be loaded here, being ESM. */
function flagsOf(args: readonly string[]): ObserverFlags {
  const flags: Record<string, unknown> = {
    ...{ 'force-recalculate': false, 'new-keys-only': false, 'disable-optimized-polling': false },
  };
  for (let i = 0; i < args.length; i++) {
    const option = String(args[i]).slice(2);
    if (typeof flags[option] === 'boolean') flags[option] = true;
    else if (listed.test(option))
      flags[option] = [...((flags[option] as string[] | undefined) ?? []), args[++i]];
    else flags[option] = args[++i];
  }
  return flags as unknown as ObserverFlags;
}

async function observing(...args: string[]): Promise<void> {
  const flags = flagsOf(args);
  const config = observerConfig(read(), flags);
  const path = flags['log-query-times'];
  const times = path === undefined ? undefined : new RunTimesFile(path, () => undefined);
  const choices = {
    ...observerChoices(flags),
    onFinished: (...run: Parameters<RunTimesFile['add']>) => times?.add(...run),
  };
  running.push(await composeObserver(config, choices, createLog(config.log, { write: () => undefined })));
}

async function withQueues<T>(use: (queues: Queues, source: () => Promise<string>) => Promise<T>): Promise<T> {
  await using pool = openPool(server.connectionOptions(name));
  const config = read();
  await using queues = openQueues(config, undefined, createLog(config.log, { write: () => undefined }));
  return await use(queues, () => readDatabaseIdentity(pool));
}

/** Statements of the first tier. */
const queue = (...queries: readonly string[]): Promise<void> =>
  withQueues(async (queues, source) => {
    await using tier = queues.open(originalQueries, source);
    const common = { partitionKey: 'region', datatype: 'integer' } as const;
    await tier.push(queries.map((query) => ({ work: { ...common, query }, priority: 1 })));
  });

const waitingAndRunning = (): Promise<string> =>
  withQueues(async (queues, source) => {
    await using tier = queues.open(fragments, source);
    const { waiting, running: run } = await tier.lengths();
    return `${waiting} wait, ${run} run`;
  });

async function count(sql: string): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(`select count(*)::int as n from ${sql}`);
  return rows[0]?.n ?? NaN;
}

/** What the fragments of a statement are, once all are there. */
async function learned(query: string): Promise<readonly string[]> {
  await queue(query);
  await until('it is learned', async () => {
    const left = (await count('pcache.original_query_queue')) + (await count('pcache.query_fragment_queue'));
    return left === 0 && (await count('pcache.cache_entry')) > 0;
  });
  const { rows } = await admin.query<{ sql: string }>(
    `select fragment->>'sql' as sql from pcache.cache_entry order by 1`,
  );
  return rows.map(({ sql }) => sql);
}

const placeNamed = (i: number): string => `select id from place where name = md5('${i}')`;
const near = 'select p.id from place p, zero z where p.region_id = z.region_id and distance(p.x, z.x) < 290';

/** Fragments wait for this until the transaction ends; those of the catalog do not. */
const lockPlace = (): Promise<unknown> => admin.query('begin; lock table place in access exclusive mode');

test('--limit N: a fragment with more keys is not kept', async () => {
  await observing('--limit', '3');
  await learned(`select id from place where id < 60`);
  const { rows } = await admin.query('select status, error, key_count::int from pcache.cache_entry');
  expect(rows).toEqual([{ status: 'too_large', error: 'more than 3 keys', key_count: 0 }]);
});

test('--long-running-query-timeout SECONDS: a fragment that takes longer is cancelled', async () => {
  await observing('--long-running-query-timeout', '0.3');
  await learned(placeNamed(1));
  await admin.query('truncate pcache.cache_entry');
  await queue(placeNamed(2));
  await lockPlace();
  await until('it is cancelled', async () => (await count('pcache.cache_entry')) === 1);
  const { rows } = await admin.query('select status from pcache.cache_entry');
  expect(rows).toEqual([{ status: 'timeout' }]);
});

test('--max-processes N: so many run at the same time; --max-pending-jobs N: while more wait, statements do', async () => {
  await observing('--max-processes', '3', '--max-pending-jobs', '1');
  await learned(placeNamed(100));
  await admin.query('truncate pcache.cache_entry');
  await lockPlace();
  await queue(...Array.from({ length: 9 }, (_, i) => placeNamed(i + 1)));
  // Three run and two wait, which is more than one; so four statements are left where they are.
  await until('they are at it', async () => (await waitingAndRunning()) === '2 wait, 3 run');
  // A statement goes a moment after its fragments have come.
  expect([4, 5]).toContain(await count('pcache.original_query_queue'));
  const locked = `pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  // What else reads the table waits as well.
  await until('three are on the server', async () => (await count(locked)) >= 3);
  expect(await waitingAndRunning()).toBe('2 wait, 3 run');
  await admin.query('commit');
  await until('all are done', async () => (await count(`pcache.cache_entry where status = 'ok'`)) === 9);
});

test('--disable-optimized-polling: nobody listens, and work is found all the same', async () => {
  const listening = (): Promise<number> =>
    count(`pg_stat_activity where query ilike 'listen "pcache_queue%' and datname = current_database()`);
  await observing('--disable-optimized-polling');
  await learned(placeNamed(1));
  expect(await listening()).toBe(0);
  await observing();
  await until('the other one listens', async () => (await listening()) === 2);
});

test('--log-query-times FILE: a line for each run, added to what is there', async () => {
  const path = join(directory.path, 'times.csv');
  await observing('--log-query-times', path);
  await learned(placeNamed(1));
  await learned(placeNamed(2));
  const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(header).toBe('finished_at,database,partition_key,hash,status,seconds,keys');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(new RegExp(`^[^,]+Z,${name},region,[0-9a-f]{64},ok,[0-9.]+,1$`));
});

test.each<[string, string[], string, string[]]>([
  ['--bucket-steps', ['--bucket-steps', '100'], near, ['< 300']],
  ['--bucket-steps, of a tenth', ['--bucket-steps', '0.1'], near.replace('290', '290.05'), ['< 290.1']],
  [
    '--add-constraint',
    ['--add-constraint', 'public.place=id > 5', '--add-constraint', 'public.zero=x = 0'],
    near,
    ['(5 < t1."id")', '(0 = t1."x")', '< 290'],
  ],
])('%s', async (_, args, query, expected) => {
  await observing(...args);
  const all = (await learned(query)).join('\n');
  for (const part of expected) expect(all).toContain(part);
});

test('--remove-constraints-all, --remove-constraints-add, --partition-join-table, component sizes', async () => {
  const both = `select id from place where name = md5('1') and x < 5`;
  await observing('--remove-constraints-all', 'x');
  expect(await learned(both)).toEqual([expect.not.stringContaining('"x"')]);
  await running.pop()?.[Symbol.asyncDispose]();
  await admin.query('truncate pcache.cache_entry');

  await observing('--remove-constraints-add', 'x');
  expect(await learned(both)).toEqual([expect.not.stringContaining('"x"'), expect.stringContaining('"x"')]);
  await running.pop()?.[Symbol.asyncDispose]();
  await admin.query('truncate pcache.cache_entry');

  // Both `b` and `z` do nothing but join; by itself, `place` would be taken.
  const joined = `select a.id from place a, place b, zero z where a.region_id = b.region_id and b.region_id = z.region_id and a.x < 9`;
  await observing('--partition-join-table', 'zero');
  for (const sql of await learned(joined)) expect(sql).toContain('"zero"');
  await running.pop()?.[Symbol.asyncDispose]();
  await admin.query('truncate pcache.cache_entry');

  const connected = `${near} and p.name <> 'x' and z.x < 7`;
  await observing('--max-component-size', '1');
  for (const sql of await learned(connected)) expect(sql).not.toContain('t2');
  await running.pop()?.[Symbol.asyncDispose]();
  await admin.query('truncate pcache.cache_entry');

  await observing('--min-component-size', '2');
  for (const sql of await learned(connected)) expect(sql).toContain('t2');
});

test('the program: --status-log-interval and --force-recalculate', async () => {
  const path = join(directory.path, 'forced.csv');
  const runs = (): number => readFileSync(path, 'utf8').match(/,ok,/g)?.length ?? 0;
  const args = ['--status-log-interval', '0.2', '--force-recalculate', '--log-query-times', path];
  await using observer = new PcacheProcess(['observer', ...args, '-c', '-'], program());
  await observer.logged('observing');
  await queue(placeNamed(1));
  await until('it has run', () => runs() === 1);
  await queue(placeNamed(1));
  await until('it has run again', () => runs() === 2);
  await until('it says so', () =>
    observer
      .loggedSoFar('status')
      .some((line) => line['done'] === 2 && line['keys'] === 2 && line['failed'] === 0),
  );
  const told = observer.loggedSoFar('status').length;
  await until('it goes on saying so', () => observer.loggedSoFar('status').length > told + 1);
});

test('--new-keys-only', async () => {
  const known = 'pcache.cache_entry where key_count = 1';
  await observing('--new-keys-only');
  await queue(placeNamed(7));
  await until('its key is known', async () => (await count(known)) > 0);
  // Where the data is promised not to change, a key that is known is not looked for again: this one stays.
  await admin.query('update place set region_id = 9999 where id = 7');
  await queue(placeNamed(7));
  await until('both are known', async () => (await count('pcache.cache_entry where key_count = 2')) > 0);
  await admin.query('update place set region_id = 0 where id = 7');
});

test.each([
  [['--max-pending-jobs', '-1'], /--max-pending-jobs -1: expected a number from 0/],
  [['--long-running-query-timeout', '0'], /--long-running-query-timeout 0: expected a number from 0.001/],
  [['--max-processes', '65'], /--max-processes 65: expected a number from 1 to 64/],
  [['--bucket-steps', 'wide'], /--bucket-steps wide: expected a number/],
  [['--min-component-size', '1.5'], /--min-component-size 1.5: expected a whole number/],
])('refuses: %s', (args, problem) => {
  const flags = flagsOf(args);
  expect(() => [observerConfig(read(), flags), observerChoices(flags)]).toThrow(problem);
});

test('refuses: a file that cannot be written', () => {
  const path = join(directory.path, 'no', 'such');
  expect(() => new RunTimesFile(path, () => undefined)).toThrow(/--log-query-times: .*ENOENT/);
});
