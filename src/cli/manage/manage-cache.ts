import type { CommandModule } from 'yargs';
import { cacheCopyCommand } from './cache-copy';
import { cacheCountCommand } from './cache-count';
import { cacheExportCommand } from './cache-export';
import { cacheImportCommand } from './cache-import';
import { cacheListCommand } from './cache-list';

export const manageCacheCommand: CommandModule = {
  command: 'cache',
  describe:
    'Count, list, copy, export or import cached key sets; the proxy must not run if they are in its directory',
  builder: (argv) =>
    argv
      .command(cacheCountCommand)
      .command(cacheListCommand)
      .command(cacheCopyCommand)
      .command(cacheExportCommand)
      .command(cacheImportCommand)
      .demandCommand(1, 1, 'say count, list, copy, export or import'),
  handler: () => undefined,
};
