import type { CommandModule } from 'yargs';
import { putContent } from '../../cache/transfer/put-content';
import { ExportFile } from '../../cache/transfer/read-export';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { fileTrouble } from './file-trouble';
import { openedCache } from './opened-cache';
import { reportPut } from './report-put';
import { type JsonFlag, withJsonFlag } from '../output';
import { ProgressBar } from '../progress-bar';
import { type YesFlag, withYesFlag } from '../yes-flag';
import { confirmReplacing } from './replaced-entries';

interface ImportFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly file: string;
}

export const cacheImportCommand: CommandModule<object, ImportFlags> = {
  command: 'import <file>',
  describe:
    'Add the key sets of an exported file to the cache; a damaged file is refused before anything is added. What would be replaced is asked for',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
      .example('$0 manage cache import cache.export --yes -c pcache.yaml', '')
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'File that pcache manage cache export wrote',
      }),
  handler: async ({ file, ...flags }) => {
    await using content = await ExportFile.open(file).catch(fileTrouble('read'));
    const count = await content.check();
    await using cache = await openedCache(flags);
    if (!(await confirmReplacing(content.entries, cache, flags.yes))) return;
    const { partitionKeys, entries } = content;
    using bar = new ProgressBar(count, 'entries', flags);
    const report = await putContent({ partitionKeys, entries: bar.over(entries) }, cache);
    bar.clear();
    reportPut(flags, report, { from: file, to: cache.name });
  },
};
