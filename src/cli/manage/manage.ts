import type { CommandModule } from 'yargs';
import { manageCacheCommand } from './manage-cache';

export const manageCommand: CommandModule = {
  command: 'manage',
  describe: 'Look after what pcache keeps',
  builder: (argv) => argv.command(manageCacheCommand).demandCommand(1, 1, 'say what to manage: cache'),
  // demandCommand sees to it that one of them runs instead.
  handler: () => undefined,
};
