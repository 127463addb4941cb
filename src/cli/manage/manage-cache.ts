import type { CommandModule } from 'yargs';
import { cacheCopyCommand } from './cache-copy';
import { cacheCountCommand } from './cache-count';
import { cacheDeleteCommand } from './cache-delete';
import { cacheExportCommand } from './cache-export';
import { cacheImportCommand } from './cache-import';
import { cacheListCommand } from './cache-list';
import { cacheOverviewCommand } from './cache-overview';

export const manageCacheCommand: CommandModule = {
  command: 'cache',
  describe:
    'Count, list, copy, export, import or delete cached key sets; the proxy must not run if they are in its directory',
  builder: (argv) =>
    argv
      .command(cacheCountCommand)
      .command(cacheOverviewCommand)
      .command(cacheListCommand)
      .command(cacheCopyCommand)
      .command(cacheExportCommand)
      .command(cacheImportCommand)
      .command(cacheDeleteCommand)
      .demandCommand(1, 1, 'say count, overview, list, copy, export, import or delete'),
  handler: () => undefined,
};
