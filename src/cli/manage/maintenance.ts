import type { CommandModule } from 'yargs';
import { evictionRunCommand } from '../eviction/eviction-run';
import { maintenanceCleanupCommand } from './maintenance-cleanup';
import { maintenancePartitionCommand } from './maintenance-partition';
import { maintenancePruneCommand } from './maintenance-prune';

export const maintenanceCommand: CommandModule = {
  command: 'maintenance',
  describe:
    'Remove key sets: those of a partition key, that nobody has used for long, or that are beyond limits',
  builder: (argv) =>
    argv
      .command(maintenancePruneCommand)
      .command(maintenancePartitionCommand)
      .command(maintenanceCleanupCommand)
      .command({ ...evictionRunCommand, command: 'evict', describe: 'The same as pcache eviction run' })
      .demandCommand(1, 1, 'say prune, partition, cleanup or evict'),
  handler: () => undefined,
};
