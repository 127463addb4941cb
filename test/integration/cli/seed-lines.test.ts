import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { argumentsOf, programNames } from '../../../src/cli/program-names';
import { partitionCacheVariableNames } from '../../../src/ops/config/partition-cache-variables';
import { CliSession } from '../../support/cli-session';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

/**
 * What the documents of PartitionCache, the Python library, show of its command line: each line, under its own names, is taken by the
 * parser here, and a test shows that it does what it says. The library's functions are in the tests of src/library.
 */
const project = join(__dirname, '../../..');
const readme = 'README';
const partitionJoin = 'Partition-Join Table Handling';
const statements = 'test/integration/cli/statements.test.ts';
const manage = 'test/integration/cli/manage-cache.test.ts';
const variablesTest = 'test/unit/ops/config/with-variables.test.ts';

const city = '--partition-key city_id --partition-datatype integer';
const restaurants = '--query "SELECT DISTINCT city_id FROM restaurants WHERE rating > 4.0"';
const processor = 'pcache-postgresql-queue-processor';

/** document, line, and the test that shows it: file and title. `python -m partitioncache.cli.setup_postgresql_queue_processor` is the processor's program. */
const lines: readonly (readonly [document: string, line: string, file: string, title: string])[] = [
  [
    readme,
    `pcache-add --direct ${restaurants} ${city} --cache-backend "postgresql_array"`,
    statements,
    'stores what the statement returns, and get prints it in each format',
  ],
  [
    readme,
    `pcache-add --queue-original ${restaurants} ${city}`,
    statements,
    'pcache add --queue and --queue-original fill the two tiers',
  ],
  [
    readme,
    'pcache-add --direct --query-file "complex_queries.sql" --partition-key "region_id" --partition-datatype "integer" --cache-backend "postgresql_array"',
    statements,
    'takes a file of many statements; what several share is run once, what cannot be used is told of',
  ],
  [
    readme,
    'pcache-observer --cache-backend "postgresql_array" --max-processes 8',
    'test/integration/cli/observer-flags.test.ts',
    '--max-processes N: so many run at the same time; --max-pending-jobs N: while more wait, statements do',
  ],
  ...['setup', 'enable', 'config --max-jobs 10 --frequency 2', 'status', 'logs --limit 20'].map(
    (command) =>
      [
        readme,
        `${processor} ${command}`,
        'test/integration/pg-cron/processor.test.ts',
        'tells what is there, and is removed',
      ] as const,
  ),
  ...['logs --limit 50', 'config --max-jobs 15 --frequency 1'].map(
    (command) =>
      [
        readme,
        `${processor} ${command}`,
        'test/integration/cli/help-examples.test.ts',
        'every command has examples, and they run',
      ] as const,
  ),
  [
    readme,
    `pcache-get --query "SELECT * FROM restaurants WHERE rating > 4.0" ${city} --cache-backend "postgresql_array" --output-format json`,
    statements,
    'stores what the statement returns, and get prints it in each format',
  ],
  [
    readme,
    'pcache-manage cache count',
    manage,
    'counts, lists, exports, and imports into a cache of another kind',
  ],
  [
    readme,
    'pcache-manage maintenance prune --days 30',
    manage,
    'prunes what has not been used, and only that',
  ],
  [
    readme,
    'pcache-manage maintenance partition --delete "old_cities"',
    manage,
    'removes a partition key, but not before it is told to',
  ],
  [
    partitionJoin,
    'pcache-add --direct --query "SELECT 1" --partition-key region_id --min-component-size 2 --max-component-size 4 --follow-graph --no-auto-detect-partition-join --partition-join-table rm --no-warn-partition-key',
    statements,
    'every option of what is learned: component sizes, the graph, the partition-join table, the warning',
  ],
];

/** Programs, options and variables that the two documents name: facts, kept here so that nothing goes missing. */
const programs = ['pcache-add', 'pcache-get', 'pcache-observer', 'pcache-manage', processor];
const options = [
  ...[
    'cache-backend',
    'days',
    'delete',
    'direct',
    'follow-graph',
    'frequency',
    'limit',
    'max-component-size',
  ],
  ...[
    'max-jobs',
    'max-processes',
    'min-component-size',
    'no-auto-detect-partition-join',
    'no-warn-partition-key',
  ],
  ...['output-format', 'partition-datatype', 'partition-join-table', 'partition-key', 'query', 'query-file'],
  'queue-original',
];
const variables = [
  ...[
    'DB_HOST',
    'DB_PORT',
    'DB_USER',
    'DB_PASSWORD',
    'DB_NAME',
    'CACHE_BACKEND',
    'PG_ARRAY_CACHE_TABLE_PREFIX',
  ],
  ...[
    'QUERY_QUEUE_PROVIDER',
    'PG_QUEUE_HOST',
    'PG_QUEUE_PORT',
    'PG_QUEUE_USER',
    'PG_QUEUE_PASSWORD',
    'PG_QUEUE_DB',
  ],
  ...['PG_QUEUE_TABLE_PREFIX', 'PARTITION_CACHE_MIN_COMPONENT_SIZE', 'PARTITION_CACHE_MAX_COMPONENT_SIZE'],
  ...['PARTITION_CACHE_FOLLOW_GRAPH', 'PARTITION_CACHE_NO_AUTO_DETECT_PARTITION_JOIN'],
  ...['PARTITION_CACHE_NO_AUTO_DETECT_STAR_JOIN', 'PARTITION_CACHE_PARTITION_JOIN_TABLE'],
  ...['PARTITION_CACHE_STAR_JOIN_TABLE', 'PARTITION_CACHE_NO_WARN_PARTITION_KEY'],
];

let directory: TemporaryDirectory;
let cli: CliSession;
beforeAll(async () => {
  directory = await temporaryDirectory('seed-lines');
  writeFileSync(join(directory.path, 'complex_queries.sql'), 'select 1; select 2');
  cli = new CliSession({}, directory.path);
});
afterAll(async () => {
  await cli[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

test.each(lines)('%s: %s', async (_, line, file, title) => {
  const [program = '', ...args] = wordsOf(line);
  // All of it is understood, and there is no database to do it with.
  const { code, stderr } = await cli.run(argumentsOf(['node', `/usr/bin/${program}`, ...args]));
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^pcache: no configuration: /)]);
  expect(readFileSync(join(project, file), 'utf8')).toContain(title);
});

test('no program and no option that the documents name is missing above, and every program is installed', () => {
  const shown = lines.map(([, line]) => wordsOf(line));
  expect(programs.filter((program) => !shown.some(([first]) => first === program))).toEqual([]);
  expect(options.filter((option) => !shown.some((words) => words.includes(`--${option}`)))).toEqual([]);
  const { bin } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  expect(Object.keys(bin)).toEqual(Object.keys(programNames));
  expect(new Set(Object.values(bin))).toEqual(new Set(['dist/main.js']));
});

test('every variable that the documents name is known, and has a test', () => {
  const tested = readFileSync(join(project, variablesTest), 'utf8');
  expect(variables.filter((name) => !partitionCacheVariableNames.includes(name))).toEqual([]);
  expect(partitionCacheVariableNames.filter((name) => !tested.includes(`${name}:`))).toEqual([]);
});

test('--env FILE is read, before or after the command; what the environment has wins', async () => {
  writeFileSync(
    join(directory.path, 'some.env'),
    'CACHE_BACKEND=rocksdict\nROCKSDB_DICT_PATH="./some where" # kept\n',
  );
  expect(await cli.run(['manage', '--env', 'some.env', 'cache', 'count'])).toMatchObject({
    code: 0,
    stdout: 'no partition key is registered\n',
  });
  const { stdout } = await cli.run(['config', 'show', '--env', 'some.env', '--set', 'cache.path=./else']);
  expect(stdout).toMatch(/^ {2}backend: rocksdict # CACHE_BACKEND\n {2}path: \.\/else # --set$/m);
  const missing = await cli.run(['config', 'show', '--env', 'none.env']);
  expect([missing.code, missing.stderr]).toEqual([
    2,
    expect.stringContaining('--env none.env: cannot be read'),
  ]);
});

test('an option or a value that there is not: what is allowed, and what was probably meant', async () => {
  const option = await cli.run(['add', '--dirct', '--query', 'select 1']);
  expect([option.code, option.stderr]).toEqual([
    2,
    expect.stringMatching(/Did you mean --direct instead of dirct\?\nOptions: --config, /),
  ]);
  const value = await cli.run(['get', '--query', 'select 1', '--output-format', 'jsn']);
  expect([value.code, value.stderr]).toEqual([
    2,
    expect.stringMatching(/"list", "json", "lines"\nDid you mean json\?/),
  ]);
  const command = await cli.run(['manage', 'cache', 'cuont', '--json']);
  expect([command.code, command.stderr]).toEqual([
    2,
    expect.stringMatching(
      /Unknown command: cuont\nDid you mean count\?\nCommands: count, overview, list, copy, export, import, delete\n/,
    ),
  ]);
});

test('bash completes what stands behind each of the programs', async () => {
  const { stdout: script } = await cli.run(['completion', 'bash']);
  const main = `'${process.execPath}' --import '${require.resolve('tsx')}' '${join(project, 'src/main.ts')}'`;
  const complete = (...words: string[]): string =>
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _pcache_complete; echo "\${COMPREPLY[*]}"`;
  const text = [
    `pcache() { ${main} "$@"; }`,
    script,
    complete('pcache', 'manage', 'cache', 'co'),
    complete('/usr/bin/pcache-postgresql-queue-processor', 'que'),
    complete('pcache-add', '--direct', '--query-f'),
    `complete -p ${Object.keys(programNames).join(' ')}`,
  ].join('\n');
  // Of a person whose login shell is another one.
  const { stdout } = await promisify(execFile)('/bin/bash', ['-c', text], {
    env: { ...process.env, SHELL: '/bin/zsh' },
  });
  const [cache, processor, add, ...programs] = stdout.trimEnd().split('\n');
  expect([cache, processor, add]).toEqual(['count copy', 'queue-info', '--query-file']);
  expect(programs.length).toBe(Object.keys(programNames).length);
});
