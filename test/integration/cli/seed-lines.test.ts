import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { argumentsOf, programNames } from '../../../src/cli/program-names';
import { CliSession } from '../../support/cli-session';
import { commandLines } from '../../support/seed-lines/command-lines';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

/** Each command that the documents of PartitionCache show, under its own names, is taken by the parser; see test/unit/seed-lines.test.ts. */
const project = join(__dirname, '../../..');

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

test.each(commandLines)('$document: $command', async ({ command, file, title }) => {
  const [program = '', ...args] = wordsOf(command);
  // All of it is understood, and there is no database to do it with.
  const { code, stderr } = await cli.run(argumentsOf(['node', `/usr/bin/${program}`, ...args]));
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^pcache: no configuration: /)]);
  expect(readFileSync(join(project, file), 'utf8')).toContain(title);
});

/** `pcache eviction run --yes | status` are two commands; what goes into psql ends there. */
function commandsOf(line: string): string[][] {
  const [first = '', ...others] = line
    .replace(/ +#.*$/, '')
    .replace(/ &$/, '')
    .split(' | ');
  const words = wordsOf(first.replace(/^npx /, '').replace('"…"', '"select 1"'));
  const group = words.slice(0, words[1] === 'manage' && words[2] !== 'setup' ? 3 : 2);
  const alternatives = others.filter((other) => !other.startsWith('psql'));
  return [words, ...alternatives.map((other) => [...group, ...wordsOf(other)])];
}

test('every command that README.md shows is one', async () => {
  const readme = readFileSync(join(project, 'README.md'), 'utf8');
  const lines = [...readme.matchAll(/^(?: {4})?((?:npx )?pcache(?:-[a-z-]+)? [^\n]*)$/gm)].map(
    ([, line = '']) => line,
  );
  const commands = lines.flatMap(commandsOf).filter(([, command]) => command !== 'init');
  expect(commands.length).toBeGreaterThan(40);
  const wrong: string[] = [];
  for (const [program = '', ...args] of commands) {
    const { stderr } = await cli.run(argumentsOf(['node', `/usr/bin/${program}`, ...args]));
    if (
      !/^pcache: (no configuration|the configuration cannot be used\npcache\.yaml:\n|cannot be read: ENOENT)/.test(
        stderr,
      )
    )
      wrong.push(`${program} ${args.join(' ')}: ${stderr}`);
  }
  expect(wrong).toEqual([]);
});

test('every program is installed', () => {
  const { bin } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  expect(Object.keys(bin)).toEqual(Object.keys(programNames));
  expect(new Set(Object.values(bin))).toEqual(new Set(['dist/main.js']));
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
  const backend = await cli.run([
    'manage',
    'cache',
    'count',
    '--env',
    'some.env',
    '--cache-backend',
    'redis_st',
  ]);
  expect([backend.code, backend.stderr]).toEqual([
    2,
    expect.stringMatching(/or "memory", got "redis_st"; did you mean redis_set\? \(from --cache-backend\)/),
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
