import { setTimeout as delay } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { queueMigrations } from '../../../src/population/queue/postgresql/queue-schema';
import { PostgresqlQueue } from '../../../src/population/queue/postgresql/postgresql-queue';
import { fragments } from '../../../src/population/queue/work-kind';
import { readDatabaseIdentity } from '../../../src/postgres/catalog/read-database-identity';
import { migrate } from '../../../src/postgres/migrations';
import type { Fragment } from '../../../src/query/fragment/fragment';
import type { PartitionKeyType } from '../../../src/query/partition-key';
import { CliSession } from '../../support/cli-session';
import { hasPgCron, startCronServer } from '../../support/cron-server';
import {
  entryTable,
  type InPlaceBackend,
  InPlaceDatabase,
  inPlaceSchema,
} from '../../support/in-place-database';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer } from '../../support/postgres-server';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

const queueSchema = { schema: inPlaceSchema.schema, tablePrefix: "q ' " };

const oddTexts = [
  `''`,
  `'it''s'`,
  `'a"b,{c}'`,
  `'NULL'`,
  `'a\\b'`,
  `E'a\\nb'`,
  `'Zürich'`,
  `'🏙'`,
  `'B'`,
  `'a'`,
]
  .map((text) => `(${text}::text)`)
  .join(', ');

/** By what is odd about them; in test/integration/population/in-place.test.ts there are more. */
interface Kind {
  readonly backend: InPlaceBackend;
  readonly datatype: PartitionKeyType;
  readonly what: string;
  readonly sql: string;
  readonly settings?: Readonly<Record<string, string>>;
}

const kinds: readonly Kind[] = [
  {
    backend: 'postgresql_array',
    datatype: 'integer',
    what: 'the ends of the range',
    sql: `values (-9223372036854775808), (9223372036854775807), (0)`,
  },
  {
    backend: 'postgresql_array',
    datatype: 'integer',
    what: 'a domain, NULL, keys twice',
    sql: `select unnest('{10,1,1,null}'::information_schema.cardinal_number[])`,
  },
  { backend: 'postgresql_array', datatype: 'integer', what: 'no key', sql: 'select 1 where false' },
  {
    backend: 'postgresql_array',
    datatype: 'integer',
    what: 'one key too many',
    sql: 'select n from generate_series(1, 1001) n',
  },
  { backend: 'postgresql_array', datatype: 'integer', what: 'a comment at its end', sql: 'select 5 -- five' },
  {
    backend: 'postgresql_array',
    datatype: 'integer',
    what: 'settings',
    sql: `select date_part('day', '01/02/2020'::date)::int + length(current_setting('search_path'))`,
    settings: { DateStyle: 'SQL, DMY', search_path: `nowhere, "it's"`, work_mem: '65536' },
  },
  {
    backend: 'postgresql_array',
    datatype: 'float',
    what: 'odd values',
    sql: `values ('-0'::float8), ('NaN'), ('Infinity'), (0.1), (5e-324), (null)`,
  },
  { backend: 'postgresql_array', datatype: 'text', what: 'odd values', sql: `values ${oddTexts}, (null)` },
  {
    backend: 'postgresql_array',
    datatype: 'timestamp',
    what: 'odd values',
    sql: `values (timestamptz '2000-01-01 12:00:00+02'), ('infinity'), ('4714-11-24 BC'), (null)`,
  },
  {
    backend: 'postgresql_bit',
    datatype: 'integer',
    what: 'bits with gaps',
    sql: 'values (0), (7), (8), (99999), (null)',
  },
];

(hasPgCron ? describe : describe.skip)('population by the database (needs Debian postgresql-15-cron)', () => {
  let server: PostgresServer;
  let database: InPlaceDatabase;
  let cron: Client;
  let directory: TemporaryDirectory;
  let cli: CliSession;
  let queue: PostgresqlQueue<Fragment>;
  beforeAll(async () => {
    server = await startCronServer();
    directory = await temporaryDirectory('processor');
    database = await InPlaceDatabase.open(
      server,
      'create table place (place_id int primary key, region_id int)',
    );
    cron = new Client(server.connectionOptions('postgres'));
    await cron.connect();
    await cron.query('create extension pg_cron');
    cli = new CliSession({ PASSWORD: server.password });
    queue = new PostgresqlQueue({
      ...{ pool: database.pool, schema: queueSchema, kind: fragments, isListening: false },
      source: await readDatabaseIdentity(database.pool),
      warn: () => undefined,
    });
  });
  afterAll(async () => {
    await queue[Symbol.asyncDispose]();
    await cli[Symbol.asyncDispose]();
    await cron.end();
    await database[Symbol.asyncDispose]();
    await server.stop();
    await directory[Symbol.asyncDispose]();
  });

  const configured = (backend: InPlaceBackend, datatype: PartitionKeyType): void => {
    const { host, port, user, database: name } = database.connection;
    const config = {
      upstream: { host, port },
      cache: {
        backend,
        bits: 100_000,
        postgresql: { schema: inPlaceSchema.schema, table_prefix: inPlaceSchema.tablePrefix },
      },
      queue: { table_prefix: queueSchema.tablePrefix },
      population: {
        run_by: 'database',
        timeout_ms: 20_000,
        lock_timeout_ms: 0,
        max_keys: 1_000,
        concurrency: 3,
      },
      databases: {
        [name]: {
          control: { user, password_env: 'PASSWORD' },
          partition_keys: {
            region: { datatype, consistency: 'static', tables: { 'public.place': 'region_id' } },
          },
        },
      },
    };
    writeFileSync(join(directory.path, 'pcache.json'), JSON.stringify(config));
  };
  const processor = async (...args: string[]): ReturnType<CliSession['run']> =>
    cli.run(['processor', ...args, '-c', join(directory.path, 'pcache.json')]);
  const lines = (text: string): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const push = (...work: Fragment[]): Promise<unknown> =>
    queue.push(work.map((fragment) => ({ work: fragment, priority: 1 })));

  test('names what is missing: first the tables of the queue, then the set-up', async () => {
    configured('postgresql_array', 'integer');
    expect(await processor('setup')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /tables of the queue are not there; run: pcache manage setup queue/,
      ) as string,
    });
    expect((await processor('status')).stderr).toMatch(/is not set up; run: pcache processor setup/);
    await migrate(database.pool, queueMigrations(queueSchema));
    expect(await processor('setup')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /: set up\npg_cron 1\.4 in database postgres, jobs run as postgres, begun every minute/,
      ) as string,
    });
    expect((await processor('setup')).stdout).toMatch(/brought up to date/);
    expect((await processor('test')).stdout).toMatch(/ok: not enabled/);
    expect((await processor('manual-process', '1')).stdout).toBe('nothing waits\n');
  });

  test.each(kinds)(
    '$backend, $datatype: $what is what it is by population in place',
    async ({ backend: name, datatype, sql, settings = {} }) => {
      configured(name, datatype);
      const backend = await database.openBackend(name, datatype);
      const fragment = makeFragment(sql, { datatype, settings });
      await database.populate(fragment, database.source(backend), backend);
      const expected = { row: await database.storedRow(), bytes: await database.storedBytes() };
      await database.forget();
      expect((await processor('setup')).stderr).toBe('');
      await push(fragment);
      const [line] = lines((await processor('manual-process', '5', '--json')).stdout);
      const found = { row: await database.storedRow(), bytes: await database.storedBytes() };
      expect(found).toEqual(expected);
      expect(line).toMatchObject({ status: expected.row?.['status'], hash: fragment.hash });
      const { rows } = await database.admin.query<{ age: number; compute_ms: number }>(
        `select extract(epoch from clock_timestamp() - created_at)::float8 as age, compute_ms from ${entryTable}`,
      );
      expect(rows[0]?.age).toBeLessThan(20);
      expect(rows[0]?.compute_ms).toBeGreaterThan(0);
      expect(rows[0]?.compute_ms).toBeLessThan(20_000);
      expect(await queue.lengths()).toEqual({ waiting: 0, delayed: 0, running: 0, dead: 0 });
      await database.forget();
      await backend.dropPartitionKey('region');
      await backend[Symbol.asyncDispose]();
    },
  );

  describe('whatever goes wrong', () => {
    const tableOf = (name: string): string => `"the ""cache"""."q ' ${name}"`;
    const rowsOf = async <Row extends object>(text: string): Promise<Row[]> =>
      (await database.admin.query<Row>(text)).rows;
    const entries = (): Promise<unknown> =>
      rowsOf(`select status, error, failures from ${entryTable} order by created_at, error`);
    /** A worker, as a job is. */
    const worker = async (slot: number, seconds = 0): Promise<void> => {
      const client = new Client(database.connection);
      client.on('error', () => undefined);
      await client.connect();
      void client
        .query(`call ${tableOf('process')}(${slot}, ${seconds})`)
        .catch(() => undefined)
        .finally(() => void client.end().catch(() => undefined));
    };
    const workers = async (): Promise<number> =>
      (await rowsOf(`select slot from ${tableOf('processor_job')}`)).length;
    const running = async (): Promise<number> =>
      (await rowsOf(`select slot from ${tableOf('processor_job')} where queue_id is not null`)).length;
    const logged = async (): Promise<string[]> =>
      (await rowsOf<{ status: string }>(`select status from ${tableOf('processor_log')} order by id`)).map(
        ({ status }) => status,
      );
    /** Before that, a cancellation would end the worker instead of what it runs. */
    const isAsleep = async (): Promise<boolean> =>
      (
        await rowsOf(
          `select from pg_stat_activity where wait_event = 'PgSleep' and pid in (select pid from ${tableOf('processor_job')})`,
        )
      ).length === 1;
    const watch = (): Promise<unknown> => rowsOf(`select ${tableOf('processor_watch')}()`);
    const sleeping = (seconds: number): Fragment => makeFragment(`select 1 from pg_sleep(${seconds})`);

    beforeAll(async () => {
      configured('postgresql_array', 'integer');
      await database.openBackend('postgresql_array', 'integer');
      expect((await processor('setup')).stderr).toBe('');
      await rowsOf(`update ${tableOf('processor_config')} set is_enabled = true, duty = 1`);
    });
    beforeEach(async () => {
      await until('no worker is left', async () => (await workers()) === 0);
      await database.forget();
      for (const name of ['query_fragment_queue', 'query_fragment_queue_dead', 'processor_log'])
        await rowsOf(`delete from ${tableOf(name)}`);
    });

    test('a fragment that fails, or would write, leaves its failure, and is not tried before its time', async () => {
      const failing = makeFragment('select 1 / 0');
      const writing = makeFragment(
        'select count(*)::int from (select nextval($$counter$$) from generate_series(1, 2)) n',
      );
      await rowsOf('create sequence counter');
      await push(failing, writing);
      await processor('manual-process', '9');
      const refused = expect.stringMatching(/read-only transaction \(SQLSTATE 25006\)/) as string;
      expect(await entries()).toEqual([
        { status: 'failed', error: 'division by zero (SQLSTATE 22012)', failures: 1 },
        { status: 'failed', error: refused, failures: 1 },
      ]);
      await push(failing);
      expect(lines((await processor('manual-process', '9', '--json')).stdout)).toMatchObject([
        { status: 'failed before' },
      ]);
      await rowsOf(`update ${entryTable} set created_at = created_at - interval '6 minutes'`);
      await push(failing);
      await processor('manual-process', '9');
      expect(await entries()).toContainEqual(expect.objectContaining({ failures: 2 }));
      expect(await queue.lengths()).toMatchObject({ waiting: 0, running: 0, dead: 0 });
    });

    test('what is no fragment, or of a key nobody set up, is a dead letter', async () => {
      await push(
        makeFragment('select 1', { partitionKey: 'other' }),
        makeFragment('select 2', { datatype: 'text' }),
        { ...makeFragment('select 3'), conjuncts: 'none' } as unknown as Fragment,
      );
      await processor('manual-process', '9');
      expect((await queue.deadLetters(9)).map(({ reason }) => reason).sort()).toEqual([
        'it is no fragment',
        'the partition key is of datatype integer, not text',
        'the processor was not set up for this partition key: pcache processor setup',
      ]);
      expect(await entries()).toEqual([]);
    });

    test('beyond its time it is cancelled by whoever watches, and remembered', async () => {
      await processor('config', '--timeout', '1');
      await push(sleeping(50));
      await worker(1);
      await until('it is cancelled', async () => {
        await watch();
        return (await logged()).includes('timeout');
      });
      expect(await entries()).toEqual([
        {
          status: 'timeout',
          error: expect.stringMatching(/canceling statement/) as string,
          failures: 1,
        },
      ]);
      await processor('config', '--timeout', '300');
    });

    test('a worker that is killed gives back what it had; so does one that somebody cancels', async () => {
      const again = (attempts: number): Promise<unknown> =>
        rowsOf(`update ${tableOf('query_fragment_queue')} set run_at = now(), attempts = ${attempts}`);
      await push(sleeping(15));
      await worker(1);
      await until('it runs', isAsleep);
      await rowsOf(`select pg_terminate_backend(pid) from ${tableOf('processor_job')}`);
      await until('the others notice', async () => {
        await watch();
        return (await workers()) === 0;
      });
      expect(await logged()).toEqual(['lost']);
      expect(await queue.lengths()).toMatchObject({ delayed: 1, running: 0 });
      expect(await entries()).toEqual([]);

      await again(1);
      await worker(1);
      await until('it runs again', isAsleep);
      await rowsOf(`select pg_cancel_backend(pid) from ${tableOf('processor_job')}`);
      await until('it is back in the queue', async () => (await queue.lengths()).delayed === 1);
      expect(await logged()).toEqual(['lost', 'retry']);

      await until('the worker has ended', async () => (await workers()) === 0);
      await again(99);
      await processor('manual-process', '1');
      expect((await queue.deadLetters(9)).map(({ reason }) => reason)).toEqual([
        'its workers were lost, again and again',
      ]);
    });

    test('a worker that began after its watcher had looked at sessions is not taken for gone', async () => {
      const watcher = new Client(database.connection);
      await watcher.connect();
      // A transaction sees sessions as it saw them first; one that takes a slot looks for its own.
      await watcher.query('begin; select count(*) from pg_stat_activity');
      await push(sleeping(2));
      await worker(1);
      await until('it runs', isAsleep);
      await watcher.query(`select ${tableOf('processor_watch')}(); commit`);
      await watcher.end();
      await until('it has ended', async () => (await workers()) === 0);
      expect(await logged()).toEqual(['ok']);
    });

    test('a worker rests while others are at work, and not for longer', async () => {
      const other = new Client(database.connection);
      other.on('error', () => undefined);
      await other.connect();
      // After three tenths of a second it would rest for a minute.
      await rowsOf(`update ${tableOf('processor_config')} set duty = 0.001`);
      await rowsOf('select pg_advisory_lock(78)');
      const busy = other.query('select pg_advisory_lock(78)');
      await push(...[1, 2].map((n) => makeFragment(`select ${n} from pg_sleep(0.3)`)));
      await worker(1);
      await until('one is run', async () => (await logged()).length === 1);
      // It has looked again by then.
      await delay(2_500);
      expect(await logged()).toHaveLength(1);
      await rowsOf('select pg_advisory_unlock(78)');
      await busy;
      await other.end();
      await until('the other is run', async () => (await logged()).length === 2);
      await until('it has ended', async () => (await workers()) === 0);
      await rowsOf(`update ${tableOf('processor_config')} set duty = 1`);
    });

    test('many workers, no fragment twice', async () => {
      const work = Array.from({ length: 60 }, (_, i) => makeFragment(`select ${i} from pg_sleep(0.005)`));
      await push(...work);
      // Not by the command, which would have pg_cron begin jobs beside these.
      await rowsOf(`update ${tableOf('processor_config')} set max_jobs = 4`);
      for (const slot of [1, 2, 3, 4, 4, 5]) await worker(slot);
      await until('all are run', async () => (await logged()).length >= work.length);
      await until('they have ended', async () => (await workers()) === 0);
      expect(new Set(await logged())).toEqual(new Set(['ok']));
      expect(await logged()).toHaveLength(work.length);
      // Beyond max-jobs.
      expect(await rowsOf(`select slot from ${tableOf('processor_log')} where slot > 4`)).toEqual([]);
      expect(await entries()).toHaveLength(work.length);
    });

    test('disable ends those that wait for work; what runs is finished', async () => {
      await rowsOf('select pg_advisory_lock(77)');
      await push(makeFragment('select 1 from (select pg_advisory_xact_lock_shared(77)) as held'));
      await worker(1, 300);
      await until('it runs', async () => (await running()) === 1);
      await worker(2, 300);
      await until('another one waits', async () => (await workers()) === 2);
      expect(await processor('disable')).toMatchObject({ code: 0, stdout: 'disabled\n' });
      await until('that has ended', async () => (await workers()) === 1);
      expect([await running(), await logged()]).toEqual([1, []]);
      await rowsOf('select pg_advisory_unlock(77)');
      await until('so has the other', async () => (await workers()) === 0);
      expect(await logged()).toEqual(['ok']);
      await push(makeFragment('select 3'));
      await rowsOf(`call ${tableOf('process')}(1, 0)`);
      expect(await queue.lengths()).toMatchObject({ waiting: 1, running: 0 });
    });

    test('tells what is there, and is removed', async () => {
      await push(makeFragment('select 4'));
      expect((await processor('queue-info')).stdout).toMatch(
        /^original_query_queue: 0 waiting.*\nquery_fragment_queue: 1 waiting.*\nregion, priority 1, 0 attempts, .*\n {2}select 4\n$/,
      );
      expect(lines((await processor('queue-info', '--json')).stdout)).toMatchObject([
        { queue: 'original_query_queue', waiting: 0 },
        { queue: 'query_fragment_queue', waiting: 1 },
        { partition_key: 'region', query: 'select 4' },
      ]);
      expect((await processor('enable')).stdout).toBe('enabled: 4 jobs, which look every 2 s\n');
      const jobs = async (): Promise<number | null> => (await cron.query('select from cron.job')).rowCount;
      expect(await jobs()).toBe(5);
      await processor('config', '--max-jobs', '2', '--frequency', '3');
      expect(await jobs()).toBe(3);
      const shown = lines(
        (await processor('config', '--max-jobs', '15', '--frequency', '1', '--json')).stdout,
      );
      expect(shown).toMatchObject([{ enabled: true, max_jobs: 15, frequency_s: 1 }]);
      expect(await jobs()).toBe(16);
      const config = await processor('config', '--max-jobs', '2');
      expect(config.stdout).toMatch(/^enabled, for postgresql_array; .*\nmax-jobs 2, frequency 1 s, /);
      expect(lines((await processor('status-detailed', '--json')).stdout)).toMatchObject([
        { enabled: true, running: 0, workers: [], jobs: Array(3).fill({ is_active: true }) },
      ]);
      await processor('manual-process', '1');
      const logs = (await processor('logs', '--limit', '50')).stdout.trimEnd().split('\n');
      expect(logs.length).toBeLessThanOrEqual(50);
      expect(logs[0]).toMatch(/^\S+Z slot -?\d+ ok, 1 keys, [\d.]+ ms, region [0-9a-f]{64}$/);
      expect(lines((await processor('logs', '--limit', '1', '--json')).stdout)).toMatchObject([
        { status: 'ok', partition_key: 'region', key_count: 1 },
      ]);
      expect((await processor('config', '--frequency', '60')).stderr).toMatch(/from 1 to 59/);
      await cron.query(`select cron.unschedule(jobid) from cron.job where command like '%watch%'`);
      expect(await processor('test')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/2 of its 3 jobs/) as string,
      });
      expect((await processor('remove')).stderr).toMatch(
        /Remove the processor, .*Nobody can be asked here: say --yes/,
      );
      expect(await processor('remove', '--yes')).toMatchObject({ code: 0, stdout: 'removed\n' });
      expect(await jobs()).toBe(0);
      expect((await processor('logs')).stderr).toMatch(/not set up/);
    });
  });
});
