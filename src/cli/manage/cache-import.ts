import type { CommandModule } from 'yargs';
import { putContent } from '../../cache/transfer/put-content';
import { ExportFile } from '../../cache/transfer/read-export';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { fileTrouble } from './file-trouble';
import { openedCache } from './opened-cache';
import { reportPut } from './report-put';

export const cacheImportCommand: CommandModule<object, ConfigFlags & { readonly file: string }> = {
  command: 'import <file>',
  describe:
    'Add the key sets of an exported file to the cache; a damaged file is refused before anything is added',
  builder: (argv) =>
    withConfigFlags(argv)
      .example('$0 manage cache import cache.export -c pcache.yaml', '')
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'File that pcache manage cache export wrote',
      }),
  handler: async ({ file, ...flags }) => {
    await using content = await ExportFile.open(file).catch(fileTrouble('read'));
    await content.check();
    await using cache = await openedCache(flags);
    reportPut(await putContent(content, cache), `from ${file} to ${cache.name}`);
  },
};
