import type { CommandModule } from 'yargs';
import { contentOf } from '../../cache/transfer/cache-content';
import { writeExport } from '../../cache/transfer/write-export';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';
import { fileTrouble } from './file-trouble';

export const cacheExportCommand: CommandModule<object, ConfigFlags & { readonly file: string }> = {
  command: 'export <file>',
  describe: 'Write all cached key sets into a file',
  builder: (argv) =>
    withConfigFlags(argv)
      .example('$0 manage cache export cache.export -c pcache.yaml', '')
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'File to write; whole or not at all',
      }),
  handler: async ({ file, ...flags }) => {
    await using cache = await openedCache(flags);
    const entries = await writeExport(await contentOf(cache), file).catch(fileTrouble('written'));
    process.stdout.write(`${file}: ${entries} entries\n`);
  },
};
