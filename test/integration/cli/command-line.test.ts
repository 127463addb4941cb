import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliSession } from '../../support/cli-session';
import { runPcache } from '../../support/pcache-process';

const project = join(__dirname, '../../..');
const example = 'config/pcache.example.yaml';
const environment = { PCACHE_CONTROL_PASSWORD: 'sesame' };

describe('pcache', () => {
  let cli: CliSession;
  beforeAll(() => {
    cli = new CliSession(environment, project);
  });
  afterAll(() => cli[Symbol.asyncDispose]());

  test('--version prints the version of package.json, and only that', async () => {
    const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    expect(await runPcache(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('an output that is full ends it with exit code 1 and a sentence', async () => {
    const full = { prelude: 'exec >/dev/full' };
    expect(await runPcache(['completion'], full)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^pcache: standard output cannot be written: ENOSPC[^\n]*\n$/),
    });
  });

  test('--help lists the commands', async () => {
    const { code, stdout } = await runPcache(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/pcache proxy [^]*pcache config /);
  });

  test.each([
    [[], 'name a command, such as proxy'],
    [['prxy'], 'Unknown command: prxy\nDid you mean proxy?\nCommands: proxy, observer, '],
    [['config'], 'say check or show'],
    [['proxy'], 'no configuration: name its file with --config FILE or in the variable PCACHE_CONFIG'],
    [['proxy', '--config'], 'Not enough arguments following: config'],
    [['proxy', '--config', 'a', '--config', 'b'], '--config stands there 2 times; give it once'],
    [['proxy', '--listen.port', '1'], 'Unknown argument: listen.port'],
    [['config', 'check', '-c', example, '--set', 'mode'], '--set mode: expected OPTION=VALUE'],
    [
      ['add', '--queue', '-c', example, '--query', 'select 1', '--consistency', 'static'],
      '--consistency: the partition keys in',
    ],
    [
      ['observer', '-c', example, '--partition-key', 'region'],
      '--partition-key: this is about all partition keys in',
    ],
    [['processor', 'logs', '--limit', 'x'], '--limit x: expected a number from 1 to 1000000'],
    [['processor', 'logs', '--status', 'tiemout'], 'Invalid values:'],
  ])('refuses: %j with exit code 2 and a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect(stderr).toContain(`pcache: ${sentence}`);
    expect(stderr).toContain('See pcache --help.');
    expect(stderr).not.toMatch(/^ +at /m);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('pcache config check', () => {
  test('applies: the example, named by the environment', async () => {
    const result = await runPcache(['config', 'check'], {
      environment: { ...environment, PCACHE_CONFIG: example },
    });
    expect(result).toMatchObject({ code: 0, stdout: `${example}: valid; databases: places\n`, stderr: '' });
  });

  test('applies: standard input', async () => {
    const { code, stdout } = await runPcache(['config', 'check', '-c', '-'], { input: 'mode: off' });
    expect([code, stdout]).toEqual([0, '-: valid; relays every database untouched\n']);
  });

  test('refuses: all problems at once, exit code 2', async () => {
    const input = 'listen: { prot: 1 }\nmode: perhaps';
    const args = ['config', 'check', '-c', '-', '--set', 'admin.port=x', '--log-level', 'loud'];
    const { code, stdout, stderr } = await runPcache(args, { input });
    expect(stderr).toBe(
      [
        'pcache: the configuration cannot be used',
        '-:',
        '  listen.prot: unknown option; did you mean port? (line 1)',
        '  mode: expected "on", "verify", "observe" or "off", got "perhaps" (line 2)',
        '  admin.port: expected a port from 1 to 65535, or 0 for any free one, got "x" (from --set)',
        '  log.level: expected "silent", "fatal", "error", "warn", "info", "debug" or "trace", got "loud" (from --log-level)',
        '',
      ].join('\n'),
    );
    expect([code, stdout]).toEqual([2, '']);
  });

  test('refuses: a file that is not there', async () => {
    const { code, stderr } = await runPcache(['config', 'check', '-c', 'not-there.yaml']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/not-there\.yaml:\n {2}\(file\): cannot be read: ENOENT/);
  });
});

describe('pcache config show', () => {
  test('prints what is in force and where it came from, without secrets', async () => {
    const { code, stdout } = await runPcache(
      [
        'config',
        'show',
        '-c',
        example,
        '--mode',
        'observe',
        '--set',
        'listen.port=1',
        '--set',
        'admin.port=2',
      ],
      { environment: { ...environment, PCACHE_LISTEN_PORT: '7', PCACHE_LOG_FORMAT: 'pretty' } },
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^mode: observe # --mode$/m);
    expect(stdout).toMatch(/^ {2}port: 1 # --set$/m);
    expect(stdout).toMatch(/^ {2}format: pretty # PCACHE_LOG_FORMAT$/m);
    expect(stdout).toMatch(/^ {2}inspect_bytes: 1048576 # default$/m);
    expect(stdout).not.toContain('sesame');
  });

  test('--json prints JSON', async () => {
    const { stdout } = await runPcache(['config', 'show', '-c', example, '--json'], { environment });
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ mode: 'on', listen: { host: '127.0.0.1', port: 6432 } },
      origins: { 'listen.port': 'file', 'limits.inspect_bytes': 'default' },
    });
  });
});
