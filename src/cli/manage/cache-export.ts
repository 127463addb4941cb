import { existsSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { contentOf } from '../../cache/transfer/cache-content';
import { writeExport } from '../../cache/transfer/write-export';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';
import { fileTrouble } from './file-trouble';
import { confirm } from '../confirm';
import { type JsonFlag, tell, withJsonFlag } from '../output';
import { ProgressBar } from '../progress-bar';
import { type YesFlag, withYesFlag } from '../yes-flag';
import { countAll } from './replaced-entries';

interface ExportFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly file: string;
}

export const cacheExportCommand: CommandModule<object, ExportFlags> = {
  command: 'export <file>',
  describe: 'Write all cached key sets into a file; one that is there is asked for',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
      .example('$0 manage cache export cache.export -c pcache.yaml', '')
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'File to write; whole or not at all',
      }),
  handler: async ({ file, ...flags }) => {
    await using cache = await openedCache(flags);
    if (existsSync(file) && !(await confirm(`Write over ${file}`, flags.yes))) return;
    const { partitionKeys, entries } = await contentOf(cache);
    using bar = new ProgressBar(await countAll(cache), 'entries', flags);
    const content = { partitionKeys, entries: bar.over(entries) };
    const count = await writeExport(content, file).catch(fileTrouble('written'));
    bar.clear();
    tell(flags, { file, entries: count }, `${file}: ${count} entries`);
  },
};
