import type { CommandModule } from 'yargs';
import { evictionRunCommand } from './eviction-run';

export const evictionCommand: CommandModule = {
  command: 'eviction',
  describe: 'Keep the cache within limits of age, number and bytes',
  builder: (argv) => argv.command(evictionRunCommand).demandCommand(1, 1, 'say run'),
  // demandCommand sees to it that one of them runs instead.
  handler: () => undefined,
};
