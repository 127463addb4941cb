import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { hashOf, sampleEntry } from '../../support/cache-entries';
import { CliSession } from '../../support/cli-session';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

let directory: TemporaryDirectory;
let config: string;
let cli: CliSession;
beforeAll(async () => {
  cli = new CliSession();
  directory = await temporaryDirectory('eviction');
  config = join(directory.path, 'pcache.yaml');
  const path = join(directory.path, 'cache');
  writeFileSync(config, JSON.stringify({ cache: { path }, eviction: { max_entries: 2 } }));
  await using cache = await openRocksdbSet({ path, warn: () => undefined });
  await cache.registerPartitionKey('region', 'integer');
  for (const [at, text] of ['a', 'b', 'c', 'd'].entries())
    await cache.put(sampleEntry(createKeySet('integer', [1n, 2n]), { text, at }));
});
afterAll(async () => {
  await cli[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

const run = (...args: string[]): ReturnType<CliSession['run']> =>
  cli.run(['eviction', 'run', ...args, '-c', config]);

test('run says what would go, by the configuration or by flags, and removes it', async () => {
  const dry = await run('--dry-run', '--max-entries', '3');
  expect(dry.stdout).toMatch(
    /^region [0-9a-f]{64}: total; \d+ bytes, .*\n1 of 4 entries would be evicted, \d+ of \d+ bytes \(age 0, partition_key 0, total 1\)\n$/,
  );
  const [line = '', sum = ''] = (await run('--dry-run', '--max-entries', '3', '--json')).stdout.split('\n');
  expect(JSON.parse(line)).toMatchObject({ partition_key: 'region', hash: hashOf('a'), reason: 'total' });
  expect(JSON.parse(sum)).toMatchObject({ dry_run: true, entries: 4, evicted: 1 });
  expect(await run()).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Evict 2 of 4 entries\? .*say --yes/) as string,
  });
  expect(await run('--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^2 of 4 entries evicted, /) as string,
    stderr: '',
  });
  expect((await run()).stdout).toMatch(/^0 of 2 entries evicted, /);
});

test.each([
  [['--set', 'eviction.max_entries=0'], /there is no limit: set one under eviction/],
  [['--max-bytes', 'much'], /eviction\.max_bytes.* \(from --max-bytes\)/],
  [['--strategy', 'newest'], /Choices: "oldest", "largest", "cost_benefit"/],
])('refuses: %j', async (args, message) => {
  const { code, stderr } = await run(...args);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});
