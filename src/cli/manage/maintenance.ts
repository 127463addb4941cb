import type { CommandModule } from 'yargs';
import { maintenancePartitionCommand } from './maintenance-partition';
import { maintenancePruneCommand } from './maintenance-prune';

export const maintenanceCommand: CommandModule = {
  command: 'maintenance',
  describe: 'Remove key sets: those of a partition key, or those that nobody has used for long',
  builder: (argv) =>
    argv
      .command(maintenancePruneCommand)
      .command(maintenancePartitionCommand)
      .demandCommand(1, 1, 'say prune or partition'),
  handler: () => undefined,
};
