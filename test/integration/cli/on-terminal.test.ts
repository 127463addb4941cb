import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { sampleEntry } from '../../support/cache-entries';
import { runPcache } from '../../support/pcache-process';
import { hasTerminal, runOnTerminal } from '../../support/run-on-terminal';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

const on = hasTerminal ? describe : describe.skip;
on('on a terminal (needs script, of util-linux)', () => {
  let directory: TemporaryDirectory;
  let config: string;
  let path: string;
  beforeAll(async () => {
    directory = await temporaryDirectory('on-terminal');
    path = join(directory.path, 'cache');
    config = join(directory.path, 'pcache.yaml');
    writeFileSync(config, JSON.stringify({ cache: { path } }));
    await using cache = await openRocksdbSet({ path, warn: () => undefined });
    await cache.registerPartitionKey('region', 'integer');
    for (const text of ['a', 'b']) await cache.put(sampleEntry(createKeySet('integer', [1n]), { text }));
  });
  afterAll(() => directory[Symbol.asyncDispose]());

  const file = (): string => join(directory.path, 'cache.export');
  const args = (...words: string[]): string[] => ['manage', 'cache', ...words, '-c', config];

  test('long work has a bar, which is gone at the end and has no colours; piped there is none', async () => {
    const { code, screen } = await runOnTerminal(args('export', file()));
    expect(code).toBe(0);
    expect(screen).toContain(`\r[${' '.repeat(24)}]   0 %  0 of 2 entries\u001b[K`);
    expect(screen.endsWith(`\r\u001b[K${file()}: 2 entries\r\n`)).toBe(true);
    // Of all escapes there is only that which clears the line.
    expect(screen.replaceAll('\u001b[K', '')).not.toContain('\u001b');
    const piped = await runPcache(args('export', file(), '--yes'));
    expect(piped).toMatchObject({ code: 0, stdout: `${file()}: 2 entries\n`, stderr: '' });
  });

  test('what destroys something asks: n, Ctrl-C and Ctrl-D leave it, y does it', async () => {
    const words = ['manage', 'maintenance', 'partition', '--delete', 'region', '-c', config];
    const refused = await runOnTerminal(words, { answer: 'n' });
    expect(refused.screen).toContain('Remove region and its 2 entries? [y/N] ');
    expect([refused.code, refused.screen.includes('removed')]).toEqual([0, false]);
    for (const key of ['\u0003', '\u0004']) {
      const left = await runOnTerminal(words, { answer: key });
      expect([left.code, left.screen]).toEqual([0, expect.not.stringMatching(/removed|error|Abort/)]);
    }
    const done = await runOnTerminal(words, { answer: 'y' });
    expect([done.code, done.screen]).toEqual([0, expect.stringContaining('region: 2 entries removed')]);
  });
});
