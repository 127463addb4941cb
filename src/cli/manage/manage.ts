import type { CommandModule } from 'yargs';
import { maintenanceCommand } from './maintenance';
import { manageCacheCommand } from './manage-cache';
import { manageGrantsCommand } from './manage-grants';
import { manageQueueCommand } from './manage-queue';
import { manageSetupCommand } from './manage-setup';
import { manageStatusCommand } from './manage-status';

export const manageCommand: CommandModule = {
  command: 'manage',
  describe: 'Look after what pcache keeps',
  builder: (argv) =>
    argv
      .command(manageSetupCommand)
      .command(manageStatusCommand)
      .command(manageGrantsCommand)
      .command(manageCacheCommand)
      .command(manageQueueCommand)
      .command(maintenanceCommand)
      .demandCommand(1, 1, 'say setup, status, grants, cache, queue or maintenance'),
  // demandCommand sees to it that one of them runs instead.
  handler: () => undefined,
};
