import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { readConfig } from '../../../src/ops/config/read-config';
import { CliSession } from '../../support/cli-session';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

/** Every command's help has an example, and each is run as it stands there; and the commands that begin with a database: init and warm. */
let server: PostgresServer;
let admin: Client;
let name: string;
let directory: TemporaryDirectory;
let cli: CliSession;

beforeAll(async () => {
  server = await startPostgres({ settings: { shared_preload_libraries: 'pg_stat_statements' } });
  name = await server.createDatabase();
  admin = new Client(server.connectionOptions(name));
  await admin.connect();
  await admin.query(`
    create extension pg_stat_statements;
    create table region (region_id int primary key, name text);
    insert into region select i, 'r' || i from generate_series(1, 200) as i;
    create table place (id int primary key, region_id int not null references region, name text not null, kind int not null);
    insert into place select i, i % 200 + 1, 'place ' || i, i % 3 from generate_series(1, 4000) as i;
    create table visit (region_id int not null, place_id int not null, seen date not null) partition by list (region_id);
    create table visit_rest partition of visit default;
    insert into visit select i % 200 + 1, i, current_date from generate_series(1, 4000) as i;
    analyze`);
  directory = await temporaryDirectory('help-examples');
  const { port, user, password } = server.connectionOptions(name);
  const config = {
    ...{
      upstream: { port },
      log: { level: 'fatal' },
      cache: { backend: 'postgresql_array' },
      population: { duty: 1 },
    },
    databases: {
      [name]: {
        control: { user, password_env: 'PASSWORD' },
        partition_keys: {
          region: {
            ...{ datatype: 'integer', consistency: 'static' },
            tables: { 'public.place': 'region_id', 'public.visit': 'region_id' },
          },
        },
      },
    },
  };
  const file = (written: string, text: string): void => writeFileSync(join(directory.path, written), text);
  file('pcache.yaml', JSON.stringify(config));
  file('report.sql', `select id from place where name = 'place 7'; select 1 from place where kind = 2;`);
  file('workload.sql', `select id from place where name = 'place 8';`);
  cli = new CliSession({ PASSWORD: password }, directory.path);
  expect(await cli.run(['manage', 'setup', '-c', 'pcache.yaml'])).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await cli[Symbol.asyncDispose]();
  await admin.end();
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

/** The arguments of a line of a shell, as far as examples have quotes. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

interface Help {
  readonly path: readonly string[];
  readonly commands: readonly string[];
  readonly examples: readonly string[];
  readonly options: readonly string[];
}

async function helpOf(path: readonly string[]): Promise<Help> {
  const { code, stdout } = await cli.run([...path, '--help']);
  expect(code).toBe(0);
  const [, listed = ''] = /\nCommands:\n([^]*?)\n\n/.exec(stdout) ?? [];
  const [, shown = ''] = /\nExamples:\n([^]*)$/.exec(stdout) ?? [];
  const prefix = ['pcache', ...path].join(' ');
  const commands = [...listed.matchAll(/^ {2}pcache ([a-z][^\n]*)$/gm)].flatMap(([, line = '']) => {
    const words = line.split(/\s+/);
    const own = words[path.length];
    return `pcache ${line}`.startsWith(prefix) && own !== undefined ? [own] : [];
  });
  // What does not fit goes on in the next line; a description stands beside what is short.
  const blocks = `\n${shown.trimEnd()}`.split(/\n {2}(?=pcache )/).slice(1);
  const examples = blocks.map((block) =>
    block.includes('\n') ? block.replaceAll(/\s+/g, ' ') : (block.split(/ {2,}/)[0] ?? ''),
  );
  const options = [...stdout.matchAll(/^ +(?:-\w, )?(--[a-z][a-z-]+)/gm)].map(([, option = '']) => option);
  return { path, commands, examples, options };
}

async function allHelps(path: readonly string[] = []): Promise<readonly Help[]> {
  const help = await helpOf(path);
  const below: Help[] = [];
  for (const command of help.commands) below.push(...(await allHelps([...path, command])));
  return [help, ...below];
}

function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

/** They run until they are told to stop, or write to files of a person; what they do has tests of its own. */
const notRun = /^pcache (proxy|observer|completion|init)\b/;
/** They take pg_cron, which is in Debian's server only (test/integration/pg-cron), or are refused here by what they find. */
const mayFail =
  /^pcache (processor|eviction|track|manage maintenance partition|manage cache (delete|copy)|manage maintenance evict|warm --from pg_stat_statements)\b/;

let helps: readonly Help[];
beforeAll(async () => {
  helps = await allHelps();
});

test('a shell completes every command and every option', async () => {
  const missing: string[] = [];
  const complete = async (...words: string[]): Promise<readonly string[]> =>
    (await cli.run(['--get-yargs-completions', 'pcache', ...words])).stdout.split('\n');
  for (const { path, commands, options } of helps) {
    const known = commands.length === 0 ? await complete(...path, '--') : await complete(...path, '');
    const wanted = commands.length === 0 ? options : commands;
    missing.push(...wanted.filter((word) => !known.includes(word)).map((word) => [...path, word].join(' ')));
  }
  expect(missing).toEqual([]);
  expect(await complete('manage', 'cache', 'copy', '--from', '')).toContain('rocksdb_set');
});

test('every command has examples, and they run', async () => {
  const leaves = helps.filter(({ commands }) => commands.length === 0);
  expect(leaves.length).toBeGreaterThan(40);
  const without = leaves.filter(({ examples, path }) => examples.length === 0 && path[0] !== 'completion');
  expect(without.map(({ path }) => path.join(' '))).toEqual([]);
  // Logs of the first two are JSON; what the others print is SQL, or a program of a shell.
  const withoutJson = leaves
    .filter(({ options }) => !options.includes('--json'))
    .map(({ path }) => path.join(' '));
  expect(withoutJson.sort()).toEqual(['completion', 'manage grants', 'observer', 'proxy', 'track grants']);
  // What destroys or replaces something; each asks, and has a test for what it does without --yes on a pipe.
  const asking = leaves.filter(({ options }) => options.includes('--yes')).map(({ path }) => path.join(' '));
  expect(asking.sort()).toEqual([
    ...['eviction remove', 'eviction run', 'manage cache copy', 'manage cache delete', 'manage cache export'],
    ...['manage cache import', 'manage maintenance cleanup', 'manage maintenance evict'],
    ...['manage maintenance partition', 'manage maintenance prune', 'manage queue clear', 'processor remove'],
    'track remove',
  ]);
  const examples = [...new Set(helps.flatMap((help) => help.examples))].filter((line) => !notRun.test(line));
  // What is known comes first, so that get has something to print.
  examples.sort((a, b) => Number(/ add --direct/.test(b)) - Number(/ add --direct/.test(a)));
  const wrong: string[] = [];
  for (const example of examples) {
    const [, ...args] = wordsOf(example);
    const { code, stderr } = await cli.run(args);
    const isWrong = code === 2 && !/^pcache: (--from and --to|there is no limit)/.test(stderr);
    if (isWrong || (code !== 0 && !mayFail.test(example)) || stderr.includes('unexpected error'))
      wrong.push(`${example}: ${code} ${stderr}`);
    // The same for programs; what was destroyed or made by the first run is so no more.
    if (/ grants /.test(example)) continue;
    const { stdout } = await cli.run([...args, ...(args.includes('--output-format') ? [] : ['--json'])]);
    const notJson = stdout.split('\n').filter((line) => line !== '' && !isJson(line));
    wrong.push(...notJson.map((line) => `${example} --json: ${line}`));
  }
  expect(wrong).toEqual([]);
}, 120_000);

describe('pcache init', () => {
  test('writes a valid configuration with the keys it found and why, and does not write over a file', async () => {
    const { port, user, password } = server.connectionOptions(name);
    const dsn = `postgresql://${user}:${password}@127.0.0.1:${port}/${name}`;
    const init = (...args: string[]): ReturnType<CliSession['run']> =>
      cli.run(['init', '--dsn', dsn, '--output', 'made.yaml', ...args]);
    const { code, stdout, stderr } = await init();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('made.yaml: partition keys, best first: region_id');
    const text = readFileSync(join(directory.path, 'made.yaml'), 'utf8');
    expect(text).toMatch(/# public\.visit is partitioned by it/);
    expect(text).toMatch(/# about 200 values/);
    expect(text).toMatch(/# 3 tables have a column region_id of type integer\n/);
    expect(text).not.toContain(password);
    const config = readConfig(text, {
      ...{
        source: 'made.yaml',
        workingDirectory: directory.path,
        environment: { PCACHE_CONTROL_PASSWORD: 'x' },
      },
    });
    const key = config.databases.get(name)?.partitionKeys.get('region_id');
    expect(key).toMatchObject({ datatype: 'integer', consistency: 'exact' });
    expect([...(key?.tables.keys() ?? [])]).toEqual(['public.place', 'public.region', 'public.visit']);
    expect([...(config.databases.get(name)?.partitionKeys.keys() ?? [])]).not.toContain('id');
    const shown = await cli.run(['init', '--dsn', dsn, '--output', '-', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      partition_keys: [{ name: 'region_id', datatype: 'integer' }],
      configuration: expect.stringContaining('partition_keys:') as string,
    });
    writeFileSync(join(directory.path, 'made.yaml'), 'mine');
    expect(await init()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--force writes over it') as string,
    });
    expect(readFileSync(join(directory.path, 'made.yaml'), 'utf8')).toBe('mine');
    expect(await init('--force')).toMatchObject({ code: 0 });
  });

  test.each(['mysql://a@b/c', 'postgresql://:x', 'nonsense'])('refuses: %s', async (dsn) => {
    const { code, stderr } = await cli.run(['init', '--dsn', dsn]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('expected postgresql://')]);
  });

  test.each([
    ['a password with a bare percent sign', '', 'u:50%off', 'a percent sign in it is to be written %25'],
    ['an unknown sslmode', '?sslmode=perhaps', 'u', 'sslmode: expected one of disable, allow'],
    ['a certificate that is not there', '?sslmode=verify-ca&sslrootcert=none.pem', 'u', 'none.pem'],
    ['a port that is none', '?port=many', 'u', 'expected a port from 1 to 65535, got "many"'],
  ])('refuses: %s, with exit code 2', async (_, parameters, login, message) => {
    const { code, stderr } = await cli.run([
      'init',
      '--dsn',
      `postgresql://${login}@127.0.0.1/x${parameters}`,
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`pcache: --dsn: `) as string]);
    expect(stderr).toContain(message);
  });

  test('sslmode is that of its own connection, and of the configuration', async () => {
    const { port, user, password } = server.connectionOptions(name);
    const init = (mode: string): ReturnType<CliSession['run']> =>
      cli.run([
        ...['init', '--output', '-', '--dsn'],
        `postgresql://${user}:${password}@127.0.0.1:${port}/${name}?sslmode=${mode}`,
      ]);
    // The server has no TLS.
    expect(await init('require')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/SSL|TLS/),
    });
    const { code, stdout } = await init('prefer');
    expect(code).toBe(0);
    expect(stdout).toContain(`upstream: { host: 127.0.0.1, port: ${port}, tls: { mode: prefer } }`);
  });
});

describe('pcache warm', () => {
  const warm = (...args: string[]): ReturnType<CliSession['run']> =>
    cli.run(['warm', '--partition-key', 'region', '-c', 'pcache.yaml', ...args]);
  const queued = async (): Promise<readonly unknown[]> => {
    const { rows } = await admin.query<{ query: string; priority: number }>(
      'select query, priority::float8 from pcache.query_fragment_queue order by priority desc',
    );
    return rows.map(({ query, priority }) => [priority, query]);
  };
  beforeEach(() => admin.query('truncate pcache.query_fragment_queue'));

  test('takes what logs and lists of statements hold, counts equal ones, and says what is of no use and why', async () => {
    const csvlog = (message: string): string =>
      `2026-11-28 22:00:00.000 UTC,"u","d",1,"[local]",1.1,1,"SELECT",2026-11-28,3/1,0,LOG,00000,"${message.replaceAll('"', '""')}",,,,,,,,,"psql","client backend",,0`;
    const files: Readonly<Record<string, string>> = {
      'log.csv': [
        csvlog(`duration: 12.345 ms  statement: select id from place where name = 'place 1'`),
        csvlog(`statement: select id from place where name = 'place 1'`),
        csvlog('connection received: host=[local]'),
        csvlog(`duration: 3.1 ms  execute <unnamed>: select id from place\nwhere name = $1`),
      ].join('\n'),
      'log.jsonl': `{"message":"duration: 1.0 ms  statement: select id from place where name = 'place 1'"}\n{"query":"select now()","calls":7}\n`,
      'list.csv': `calls,query\n5,"select id from place where name = 'place 1'"\n1,select wrong from from\n`,
    };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory.path, file), text);

    expect((await warm('--from', 'log.csv')).stdout).toMatch(
      /^1 of 2 statements used: 1 fragments queued\n1 not used: it has \$1 [^\n]*\n {2}such as: select id from place where name = \$1\n$/,
    );
    expect(await queued()).toEqual([[2, expect.stringContaining(`'place 1'`)]]);
    expect((await warm('--from', 'log.jsonl', '--dry-run')).stdout).toMatch(
      /1 of 2 statements used: 1 fragments to queue/,
    );
    expect((await warm('--from', 'list.csv')).stdout).toMatch(/1 not used: it cannot be parsed as SQL/);
    // Five more of the same.
    expect(await queued()).toEqual([[7, expect.anything()]]);
  });

  test('--from pg_stat_statements counts those that have lost their constants', async () => {
    await admin.query('select pg_stat_statements_reset()');
    await admin.query(`select id from place where name = 'place 3'`);
    await admin.query(
      'select p.id from place p join visit v on v.region_id = p.region_id where p.kind is null',
    );
    const { code, stdout } = await warm('--from', 'pg_stat_statements');
    expect(stdout).toMatch(/ not used: it has \$1 and the like in place of constants/);
    expect(stdout).toMatch(/^1 of \d+ statements used: \d+ fragments queued\n/);
    expect(code).toBe(0);
  });

  test.each<[string[], number, RegExp]>([
    [['--from', 'nowhere.sql'], 1, /cannot be read: ENOENT/],
    [['--from', 'pcache.yaml'], 2, /syntax error at or near "\{"\nLINE 1:/],
    [
      ['--from', 'report.sql', '--partition-key', 'regoin'],
      2,
      /stands there|did you mean region\?|several|2 times/,
    ],
  ])('refuses: %j', async (args, expected, message) => {
    const { code, stderr } = await warm(...args);
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)]);
  });
});
