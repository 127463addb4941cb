import { resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import { type CacheType, cacheTypeNames } from '../../cache/cache-types';
import { contentOf } from '../../cache/transfer/cache-content';
import { putContent } from '../../cache/transfer/put-content';
import type { CacheConfig } from '../../ops/config/pcache-config';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { UsageError } from '../usage-error';
import { openedCache } from './opened-cache';
import { reportPut } from './report-put';
import { type JsonFlag, withJsonFlag } from '../output';
import { ProgressBar } from '../progress-bar';
import { type YesFlag, withYesFlag } from '../yes-flag';
import { confirmReplacing, countAll } from './replaced-entries';

interface CopyFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly from: CacheType;
  readonly to: CacheType;
  readonly 'from-path': string | undefined;
  readonly 'to-path': string | undefined;
}

export const cacheCopyCommand: CommandModule<object, CopyFlags> = {
  command: 'copy',
  describe:
    'Copy all key sets of one backend into another; where and how to reach them is read from the configuration. What would be replaced is asked for',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
      .option('from', { choices: cacheTypeNames, demandOption: true, describe: 'Backend to read' })
      .option('to', { choices: cacheTypeNames, demandOption: true, describe: 'Backend to write' })
      .option('from-path', {
        type: 'string',
        requiresArg: true,
        describe: 'Directory to read, if not cache.path',
      })
      .option('to-path', {
        type: 'string',
        requiresArg: true,
        describe: 'Directory to write, if not cache.path',
      })
      .example(
        '$0 manage cache copy --from rocksdb_set --to rocksdb_bit --to-path ./bits -c pcache.yaml',
        '',
      ),
  handler: async ({ from, to, 'from-path': fromPath, 'to-path': toPath, ...flags }) => {
    if (from === to && fromPath === toPath) throw new UsageError('--from and --to are the same cache');
    await using source = await openedCache(flags, replaced(from, fromPath));
    await using target = await openedCache(flags, replaced(to, toPath));
    if (!(await confirmReplacing(source.list(), target, flags.yes))) return;
    const { partitionKeys, entries } = await contentOf(source);
    using bar = new ProgressBar(await countAll(source), 'entries', flags);
    const report = await putContent({ partitionKeys, entries: bar.over(entries) }, target);
    bar.clear();
    reportPut(flags, report, { from, to });
  },
};

function replaced(backend: CacheType, path: string | undefined): Partial<CacheConfig> {
  if (path !== undefined && !backend.startsWith('rocksd'))
    throw new UsageError(`${backend} is in no directory, so that ${path} means nothing`);
  return path === undefined ? { backend } : { backend, path: resolve(path) };
}
