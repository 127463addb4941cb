import type { CommandModule } from 'yargs';
import { trackGrantsCommand } from './track-grants';
import { trackInstallCommand } from './track-install';
import { trackRemoveCommand } from './track-remove';
import { trackStatusCommand } from './track-status';

export const trackCommand: CommandModule = {
  command: 'track',
  describe: 'Have changes of the tables noted where they happen, so that answers stay exact',
  builder: (argv) =>
    argv
      .command(trackInstallCommand)
      .command(trackStatusCommand)
      .command(trackRemoveCommand)
      .command(trackGrantsCommand)
      .demandCommand(1, 1, 'say install, status, remove or grants'),
  // demandCommand sees to it that one of them runs instead.
  handler: () => undefined,
};
