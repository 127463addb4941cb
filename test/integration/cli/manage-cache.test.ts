import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { sampleEntry } from '../../support/cache-entries';
import { CliSession } from '../../support/cli-session';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

let directory: TemporaryDirectory;
let config: string;
let cli: CliSession;
beforeAll(() => {
  cli = new CliSession();
});
afterAll(() => cli[Symbol.asyncDispose]());
beforeEach(async () => {
  directory = await temporaryDirectory('manage');
  config = join(directory.path, 'pcache.yaml');
  writeFileSync(config, `cache: { path: ${JSON.stringify(join(directory.path, 'cache'))} }\n`);
  await using cache = await openRocksdbSet({ path: join(directory.path, 'cache'), warn: () => undefined });
  await cache.registerPartitionKey('region', 'integer');
  await cache.put(sampleEntry(createKeySet('integer', [1n, 2n])));
  await cache.put(sampleEntry(createKeySet('integer', [-1n]), { text: 'b' }));
});
afterEach(() => directory[Symbol.asyncDispose]());

const manage = (...args: string[]): ReturnType<CliSession['run']> =>
  cli.run(['manage', 'cache', ...args, '-c', config]);
const maintenance = (...args: string[]): ReturnType<CliSession['run']> =>
  cli.run(['manage', 'maintenance', ...args, '-c', config]);

test('counts, lists, exports, and imports into a cache of another kind', async () => {
  expect(await manage('count')).toMatchObject({ code: 0, stdout: 'region (integer): 2\n', stderr: '' });
  const lines = (await manage('list', '--partition-key', 'region', '--json')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ status: 'ok', key_count: 2, bytes: expect.any(Number) as number }),
      expect.objectContaining({ fragment: expect.stringMatching(/t1.name = 'b'$/) as string, key_count: 1 }),
    ]),
  );
  expect((await manage('list')).stdout).toMatch(
    /^region [0-9a-f]{64} ok\n {2}\d keys in \d+ bytes; computed \S+Z in \d+ ms; not used\n {2}SELECT .*\n/im,
  );
  const file = join(directory.path, 'cache.export');
  expect(await manage('export', file)).toMatchObject({ code: 0, stdout: `${file}: 2 entries\n` });
  const other = ['--set', 'cache.backend=rocksdict', '--set', `cache.path=${directory.path}/other`];
  expect(await manage('import', file, ...other)).toMatchObject({
    code: 0,
    stdout: `2 entries from ${file} to rocksdict\n`,
  });
  expect(await manage('count', ...other)).toMatchObject({ stdout: 'region (integer): 2\n' });
});

test('export and import ask before they write over what is there', async () => {
  const file = join(directory.path, 'cache.export');
  expect(await manage('export', file, '--json')).toMatchObject({
    stdout: `{"file":"${file}","entries":2}\n`,
  });
  for (const [args, question, done] of [
    [['export', file], /Write over .*cache\.export\? .*say --yes/, { file, entries: 2 }],
    [
      ['import', file],
      /Replace 2 entries of rocksdb_set\? .*say --yes/,
      { from: file, to: 'rocksdb_set', entries: 2, refused: [] },
    ],
  ] as const) {
    expect(await manage(...args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(question) as string,
    });
    const { code, stdout } = await manage(...args, '--yes', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, done]);
  }
});

test.each<[string[], RegExp]>([
  [['cache', 'delete', '--partition', 'region'], /Remove region and its 2 entries/],
  [['cache', 'delete', '--all'], /Remove region and its 2 entries/],
  [
    ['cache', 'copy', '--from', 'rocksdb_set', '--to', 'rocksdict', '--to-path', 'OTHER'],
    /Replace 2 entries of rocksdict/,
  ],
  [['maintenance', 'partition', '--delete', 'region'], /Remove region and its 2 entries/],
  [['maintenance', 'prune', '--days', '0'], /Remove 2 entries of \d+ bytes, not used for 0 days/],
  [['maintenance', 'cleanup', '--remove-large', '0'], /Remove 2 entries of \d+ bytes, of more than 0 keys/],
  [['maintenance', 'evict', '--max-entries', '1'], /Evict 1 of 2 entries/],
])('asks, and where nobody can be asked wants --yes: %j', async (args, question) => {
  const other = `${directory.path}/other`;
  const words = args.map((word) => (word === 'OTHER' ? other : word));
  if (args.includes('copy'))
    expect(await cli.run(['manage', ...words, '-c', config])).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await cli.run(['manage', ...words, '-c', config]);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(question)]);
  expect(stderr).toContain('? Nobody can be asked here: say --yes if so');
  expect(await manage('count')).toMatchObject({ stdout: 'region (integer): 2\n' });
});

test('copies, and says what could not be copied and why', async () => {
  const { code, stdout, stderr } = await manage(
    ...['copy', '--from', 'rocksdb_set', '--to', 'rocksdb_bit', '--to-path', `${directory.path}/bits`],
  );
  expect([code, stdout]).toEqual([1, '1 entries from rocksdb_set to rocksdb_bit\n']);
  expect(stderr).toMatch(
    /1 entries could not be kept there:\n +[0-9a-f]{64}: .*not -1; another backend holds/,
  );
});

test('refuses: a damaged file, before anything of it is imported', async () => {
  const file = join(directory.path, 'cache.export');
  await manage('export', file);
  const bytes = readFileSync(file);
  bytes[bytes.length - 40] = 0xff;
  writeFileSync(file, bytes);
  const other = ['--set', `cache.path=${directory.path}/other`];
  const { code, stderr } = await manage('import', file, ...other);
  expect(code).toBe(1);
  expect(stderr).toMatch(/cache\.export: a record does not match its checksum \(at byte \d+\)/);
  expect(await manage('count', ...other)).toMatchObject({ stdout: 'no partition key is registered\n' });
});

test.each([
  [['copy', '--from', 'rocksdb_set', '--to', 'rocksdb_set'], 2, /are the same cache/],
  [['copy', '--from', 'nowhere', '--to', 'rocksdb_set'], 2, /Choices: .*"rocksdb_set"/],
  [
    ['copy', '--from', 'redis_set', '--from-path', '/x', '--to', 'rocksdict'],
    2,
    /redis_set is in no directory, so that \/x means nothing/,
  ],
  // What would be ignored is refused: all would go.
  [['delete', '--all', '--hash', '0'.repeat(64), '--yes'], 2, /say which with --partition KEY/],
  [['delete', '--partition', 'regoin', '--hash', '0'.repeat(64), '--yes'], 1, /did you mean region\?/],
  [['list', '--partition-key', 'regoin'], 1, /there are region; did you mean region\?/],
  [['count', '--db-name', 'nowhere'], 2, /--db-name nowhere: there is no such database/],
  [['import', '/nowhere/cache.export'], 1, /cannot be read: ENOENT/],
  [['export', '/nowhere/cache.export'], 1, /cannot be written: ENOENT/],
  [[], 2, /say count, overview, list, copy, export, import or delete/],
])('refuses: %j', async (args, code, message) => {
  const result = await manage(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/^ +at /m);
});

test('removes a partition key, but not before it is told to', async () => {
  const { code, stderr } = await maintenance('partition', '--delete', 'region');
  expect([code, stderr]).toEqual([2, expect.stringMatching(/Remove region and its 2 entries\? .*say --yes/)]);
  expect(await manage('count')).toMatchObject({ stdout: 'region (integer): 2\n' });
  expect(await maintenance('partition', '--delete', 'region', '--yes')).toMatchObject({
    code: 0,
    stdout: 'region: 2 entries removed\n',
  });
  expect(await manage('count')).toMatchObject({ stdout: 'no partition key is registered\n' });
});

test('refuses to remove a partition key that is not there, and says which are', async () => {
  const { code, stderr } = await maintenance('partition', '--delete', 'regoin', '--yes');
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/no partition key regoin in the cache: there are region/),
  ]);
});

test('prunes what has not been used, and only that', async () => {
  {
    await using cache = await openRocksdbSet({ path: join(directory.path, 'cache'), warn: () => undefined });
    await cache.put(sampleEntry(createKeySet('integer', [7n]), { text: 'new', at: Date.now() }));
  }
  const [count, dry] = [await manage('count'), await maintenance('prune', '--days', '30', '--dry-run')];
  expect(count.stdout).toBe('region (integer): 3\n');
  expect(dry.stdout).toMatch(/^2 entries of \d+ bytes, not used for 30 days\n$/);
  expect(await maintenance('prune', '--days', '30', '--yes')).toMatchObject({
    stdout: '2 entries removed\n',
  });
  expect(await manage('count')).toMatchObject({ stdout: 'region (integer): 1\n' });
});

test.each([
  ['maintenance', 'prune', '--days', '1', '--partition-key', 'regoin', '--yes'],
  ['maintenance', 'cleanup', '--remove-termination', '--partition-key', 'regoin', '--yes'],
  ['maintenance', 'evict', '--max-entries', '1', '--partition-key', 'regoin', '--yes'],
])('refuses: %s %s of a partition key that is not there', async (...args) => {
  const { code, stderr } = await cli.run(['manage', ...args, '-c', config]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/no partition key regoin in the cache/)]);
});

test.each(['-1', 'soon'])('refuses to prune by %s days', async (days) => {
  expect(await maintenance('prune', `--days=${days}`)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/number of days/) as string,
  });
});
