import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { CliSession } from '../../support/cli-session';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

/**
 * `pcache add`, `get` and `explain`, with nothing but environment variables under the names PartitionCache gives them: no configuration
 * file. Cache and queue are in the database that has the data.
 */
let server: PostgresServer;
let admin: Client;
let directory: TemporaryDirectory;
let cli: CliSession;
let variables: Readonly<Record<string, string>>;

beforeAll(async () => {
  server = await startPostgres();
  const name = await server.createDatabase();
  const { host, port, user, password } = server.connectionOptions(name);
  admin = new Client(server.connectionOptions(name));
  await admin.connect();
  await admin.query(`
    create table restaurant (id int primary key, city_id int not null, rating float8 not null, kitchen text);
    insert into restaurant select i, i / 10, (i % 500) / 100.0, 'k' || i % 7 from generate_series(1, 5000) as i;
    create table street (city_id int not null, name text);
    insert into street select i, 'street ' || i from generate_series(1, 400) as i;
    create table note (id int primary key, text text);
    analyze`);
  directory = await temporaryDirectory('statements');
  variables = {
    ...{ DB_HOST: host, DB_PORT: String(port), DB_USER: user, DB_PASSWORD: password, DB_NAME: name },
    ...{ CACHE_BACKEND: 'postgresql_array', PG_ARRAY_CACHE_TABLE_PREFIX: 'app_cache_array' },
    ...{ QUERY_QUEUE_PROVIDER: 'postgresql', PG_QUEUE_HOST: host, PG_QUEUE_PORT: String(port) },
    ...{ PG_QUEUE_USER: user, PG_QUEUE_PASSWORD: password, PG_QUEUE_DB: name },
    ...{ PG_QUEUE_TABLE_PREFIX: 'app_queue_', PCACHE_LOG_LEVEL: 'warn' },
  };
  cli = new CliSession(variables);
  expect(await cli.run(['manage', 'setup'])).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await cli[Symbol.asyncDispose]();
  await admin.end();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await admin.query(`truncate pcache.app_cache_array_entry,
    pcache.app_queue_original_query_queue, pcache.app_queue_query_fragment_queue`);
});

const good = 'SELECT DISTINCT city_id FROM restaurant WHERE rating > 4.98';
const key = ['--partition-key', 'city_id', '--partition-datatype', 'integer'];

async function column(sql: string): Promise<readonly unknown[]> {
  const { rows } = await admin.query<{ value: unknown }>(sql);
  return rows.map(({ value }) => value);
}
const truth = (sql: string): Promise<readonly unknown[]> =>
  column(`select distinct city_id as value from ${sql}`);

describe('pcache add --direct', () => {
  test('stores what the statement returns, and get prints it in each format', async () => {
    expect(await cli.run(['get', '--query', good, ...key])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('nothing is known of it yet') as string,
    });
    const backend = ['--cache-backend', 'postgresql_array'];
    expect(await cli.run(['add', '--direct', '--query', good, ...key, ...backend])).toMatchObject({
      code: 0,
      stdout: '1 fragment: 1 stored\n',
      stderr: '',
    });
    expect(await cli.run(['add', '--direct', '--query', good, ...key])).toMatchObject({
      stdout: '1 fragment: 1 known already\n',
    });
    const expected = (await truth('restaurant where rating > 4.98 order by 1')).map(Number);
    expect(expected.length).toBeGreaterThan(3);
    // Not the text is remembered, but what it says.
    const like = 'select count(*) from restaurant as r where 4.98 < r.rating';
    const get = (...args: string[]): ReturnType<CliSession['run']> =>
      cli.run(['get', '--query', like, ...key, ...args]);
    expect(await get()).toMatchObject({ code: 0, stdout: `${expected.join(',')}\n`, stderr: '' });
    expect(JSON.parse((await get('--output-format', 'json')).stdout)).toEqual(expected);
    const file = join(directory.path, 'keys.txt');
    expect(await get('--output-format', 'lines', '--output-file', file)).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(readFileSync(file, 'utf8')).toBe(expected.map((each) => `${each}\n`).join(''));
  });

  test('takes a file of many statements; what several share is run once, what cannot be used is told of', async () => {
    const file = join(directory.path, 'queries.sql');
    writeFileSync(
      file,
      `-- joined on the key
       select * from restaurant r join street s on s.city_id = r.city_id where r.rating > 4.9 and s.name like '%7';
       ${good}; ${good} -- again
       ; select text from note where id = 3;`,
    );
    const { code, stdout, stderr } = await cli.run([
      'add',
      '--direct',
      '--query-file',
      file,
      ...key,
      '--json',
    ]);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const stored = lines.filter(({ outcome }) => outcome === 'stored');
    expect(new Set(stored.map(({ hash }) => hash)).size).toBe(stored.length);
    expect(stored.map(({ statement }) => statement)).toEqual(expect.arrayContaining([1, 2]));
    expect(lines.filter(({ outcome }) => outcome !== 'stored')).toEqual([
      {
        statement: 4,
        outcome: 'refused',
        reason: expect.stringContaining('public.restaurant.city_id') as string,
      },
    ]);
    expect(stderr).toBe('');
  });

  test('--no-recompose: the statement as a whole, and nothing smaller', async () => {
    const both =
      "select 1 from restaurant r, street s where s.city_id = r.city_id and r.rating > 4.9 and s.name like '%7'";
    expect(await cli.run(['add', '--direct', '--no-recompose', '--query', both, ...key])).toMatchObject({
      stdout: '1 fragment: 1 stored\n',
    });
    const [sql] = await column(`select fragment->>'sql' as value from pcache.app_cache_array_entry`);
    expect(sql).toMatch(/"restaurant"[^]*"street"/);
    expect(await cli.run(['get', '--query', both, ...key])).toMatchObject({ code: 0 });
    expect(await cli.run(['get', '--query', good, ...key])).toMatchObject({ code: 1 });
  });

  test('an entry is what a proxy stores: the same hash as from the queue, with snapshot', async () => {
    await cli.run(['add', '--direct', '--query', good, ...key]);
    const [direct] = await column(
      `select encode(hash, 'hex') || ' ' || (snapshot is not null) as value from pcache.app_cache_array_entry`,
    );
    await cli.run(['add', '--queue', '--query', good, ...key]);
    const [queued] = await column(
      `select (work->>'hash') || ' true' as value from pcache.app_queue_query_fragment_queue`,
    );
    expect(String(direct)).toContain(String(queued).slice(0, 64));
  });
});

test('pcache add --queue and --queue-original fill the two tiers', async () => {
  expect(await cli.run(['add', '--queue', '--query', good, ...key])).toMatchObject({
    code: 0,
    stdout: '1 fragment: 1 queued\n',
  });
  expect(await cli.run(['add', '--queue-original', '--query', `${good}; select 1`, ...key])).toMatchObject({
    code: 0,
    stdout: '2 statements: 2 queued\n',
  });
  const { stdout } = await cli.run(['manage', 'queue', 'count']);
  expect(stdout).toMatch(/original_query_queue: 2 waiting[^]*query_fragment_queue: 1 waiting/);
  expect(await cli.run(['manage', 'queue', 'clear'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(
      /Remove 2 from original_query_queue of \w+\? Nobody can be asked/,
    ) as string,
  });
  const cleared = await cli.run(['manage', 'queue', 'clear', '--yes', '--json']);
  expect(
    cleared.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { queue: 'original_query_queue', removed: 2 },
    { queue: 'query_fragment_queue', removed: 1 },
  ]);
});

test('every option of what is learned: component sizes, the graph, the partition-join table, the warning', async () => {
  await admin.query('create table zone as select distinct city_id from street; analyze zone');
  const star = `select r.id from restaurant r, street s, zone z where r.city_id = z.city_id and s.city_id = z.city_id
    and r.rating > 4.98 and s.name like '%1'`;
  const zones = async (...args: string[]): Promise<readonly unknown[]> => {
    await admin.query('truncate pcache.app_queue_query_fragment_queue');
    expect(await cli.run(['add', '--queue', '--query', star, ...key, ...args])).toMatchObject({ code: 0 });
    const rows = await column(`select q::text as value from pcache.app_queue_query_fragment_queue as q`);
    // How many tables each has, and whether the partition-join table is one of them.
    return rows
      .map((row) => `${new Set(String(row).match(/ AS t\d/g)).size}${/zone/.test(String(row)) ? 'z' : ''}`)
      .sort();
  };
  expect(await zones()).toEqual(['2z', '2z']);
  expect(await zones('--follow-graph')).toEqual(['2z', '2z']);
  expect(await zones('--no-follow-graph')).toEqual(['2z', '2z', '3z']);
  expect(await zones('--no-follow-graph', '--min-component-size', '3')).toEqual(['3z']);
  expect(await zones('--no-follow-graph', '--max-component-size', '2')).toEqual(['2z', '2z']);
  expect(await zones('--no-auto-detect-partition-join')).toEqual(['1', '1']);
  expect(await zones('--no-auto-detect-partition-join', '--partition-join-table', 'z')).toEqual(['2z', '2z']);
  const keyless = ['add', '--queue', '--query', 'select text from note', ...key];
  const warned = await cli.run(keyless);
  expect(warned.stdout + warned.stderr).toMatch(
    /warning: it cannot be restricted by the partition key city_id/,
  );
  const silent = await cli.run([...keyless, '--no-warn-partition-key']);
  expect(silent.stdout + silent.stderr).not.toMatch(/warning/);
  await admin.query('drop table zone');
});

describe('pcache explain', () => {
  test('says what the proxy would do, and why not', async () => {
    const explain = (...args: string[]): ReturnType<CliSession['run']> =>
      cli.run(['explain', '--query', good, ...key, ...args]);
    expect(await explain()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/left as it is: nothing cached/) as string,
    });
    await cli.run(['add', '--direct', '--query', good, ...key]);
    const { stdout } = await explain();
    expect(stdout).toMatch(/^pcache: restricted\n/);
    expect(stdout).toMatch(/Key city_id: restaurant.city_id, \d+ of \d+ keys kept/);
    const json = JSON.parse((await explain('--json')).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({ Restricted: true, Mode: 'on' });
  });
});

describe('where changes are tracked', () => {
  const track = (...args: string[]): ReturnType<CliSession['run']> =>
    cli.run(['track', ...args, '--key', 'city_id']);
  beforeAll(async () => {
    expect(await track('install')).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await track('remove', '--yes');
    await admin.query('update restaurant set rating = (id % 500) / 100.0');
  });

  test('what is stored is stamped, and get prints the keys as they are now, whoever changed them', async () => {
    expect(await cli.run(['add', '--direct', '--query', good, ...key])).toMatchObject({ code: 0 });
    expect(await column('select origin is not null as value from pcache.app_cache_array_entry')).toEqual([
      true,
    ]);
    const known = async (): Promise<readonly number[]> =>
      JSON.parse(
        (await cli.run(['get', '--query', good, ...key, '--output-format', 'json'])).stdout,
      ) as number[];
    const expected = async (): Promise<readonly unknown[]> =>
      (await truth('restaurant where rating > 4.98')).map(Number).sort((a, b) => a - b);
    const before = await known();
    expect(before).toEqual(await expected());
    await admin.query('update restaurant set rating = 5 where city_id = 77');
    await admin.query(`delete from restaurant where city_id = ${before[0]}`);
    const after = await known();
    expect(after).toEqual(await expected());
    expect(after).toContain(77);
    expect(after).not.toContain(before[0]);
  });

  test('refuses to store what could not be kept exact', async () => {
    await admin.query('create table late (city_id int not null, name text)');
    try {
      const args = ['add', '--direct', '--query', `select 1 from late where name = 'x'`, ...key];
      const { code, stdout, stderr } = await cli.run(args);
      expect([code, stdout]).toEqual([1, '1 fragment: 1 failed\n']);
      expect(stderr).toMatch(/changes of its tables are not tracked[^]*pcache track install/);
      // Who promises that nothing changes is believed.
      expect(await cli.run([...args, '--consistency', 'static'])).toMatchObject({ code: 0 });
    } finally {
      await admin.query('drop table late');
    }
  });
});

describe('refuses, with exit code 2:', () => {
  test.each<[string, string[], RegExp]>([
    [
      'a text that is no SQL, with the place marked',
      ['explain', '--query', 'select é,\n from x'],
      /syntax error at or near "from"\nLINE 2: {2}from x\n {9}\^\n/,
    ],
    [
      'the same behind what takes two places, or none, of a terminal',
      ['explain', '--query', "select '日本e\u0301😀' frm x y z"],
      /\nLINE 1: select '日本e\u0301😀' frm x y z\n {29}\^\n/u,
    ],
    ['no way to add', ['add', '--query', good, ...key], /say one of --direct, --queue or --queue-original/],
    ['two ways to add', ['add', '--direct', '--queue', '--query', good, ...key], /not --direct and --queue/],
    ...(
      [
        [['--direct', '--priority', '5'], /--priority goes with --queue or --queue-original/],
        [['--queue', '--force'], /--force goes with --direct/],
        [
          ['--queue-original', '--bucket-steps', '5', '--no-recompose'],
          /--bucket-steps, --no-recompose: goes with --direct or --queue/,
        ],
        [
          ['--direct', '--add-constraint', 'public.resturant=id > 5'],
          /there is no table public.resturant with a partition key: .*did you mean public.restaurant\?/,
        ],
        [['--direct', '--add-constraints', '{"nowhere": "x = 1"}'], /there is no table nowhere/],
        [
          ['--direct', '--min-component-size', '3', '--max-component-size', '2'],
          /--min-component-size 3 is above --max-component-size 2/,
        ],
      ] as const
    ).map(([args, message]): [string, string[], RegExp] => [
      `what would be without effect: ${args.join(' ')}`,
      ['add', '--query', good, ...key, ...args],
      message,
    ]),
    ['no statement', ['add', '--direct', ...key], /give --query or --query-file/],
    [
      'a column that no table has',
      ['get', '--query', good, '--partition-key', 'town_id'],
      /no table has a column town_id/,
    ],
    [
      'a datatype of another kind',
      ['get', '--query', good, '--partition-key', 'city_id', '--datatype', 'text'],
      /no table has a column city_id of datatype text: public.restaurant \(integer\)/,
    ],
    [
      'a datatype the backend has not got, with those that have',
      [
        'get',
        '--query',
        good,
        '--partition-key',
        'city_id',
        '--datatype',
        'float',
        '--cache-backend',
        'redis_set',
      ],
      /holds integer and text keys, not float[^]*postgresql_array +integer, float, text, timestamp\n/,
    ],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});
