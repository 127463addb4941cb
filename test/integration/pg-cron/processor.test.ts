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
      population: { run_by: 'database', timeout_ms: 20_000, max_keys: 1_000, concurrency: 3 },
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
      const [line] = lines((await processor('manual-process', '5')).stdout);
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
});
