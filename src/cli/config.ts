import type { CommandModule } from 'yargs';
import { configCheckCommand } from './config-check';
import { configShowCommand } from './config-show';

export const configCommand: CommandModule = {
  command: 'config',
  describe: 'Look at a configuration without starting anything',
  builder: (argv) =>
    argv.command(configCheckCommand).command(configShowCommand).demandCommand(1, 1, 'say check or show'),
  // demandCommand sees to it that one of the two runs instead.
  handler: () => undefined,
};
