import type { CommandModule } from 'yargs';
import { evictionConfigCommand } from './eviction-config';
import { evictionDisableCommand, evictionEnableCommand } from './eviction-enable';
import { evictionLogsCommand } from './eviction-logs';
import { evictionRemoveCommand } from './eviction-remove';
import { evictionRunCommand } from './eviction-run';
import { evictionSetupCommand } from './eviction-setup';
import { evictionStatusCommand } from './eviction-status';

export const evictionCommand: CommandModule = {
  command: 'eviction',
  describe: 'Keep the cache within limits of age, number and bytes; of one in PostgreSQL, by pg_cron as well',
  builder: (argv) =>
    argv
      .command(evictionRunCommand)
      .command(evictionSetupCommand)
      .command(evictionEnableCommand)
      .command(evictionDisableCommand)
      .command(evictionConfigCommand)
      .command(evictionStatusCommand)
      .command(evictionLogsCommand)
      .command(evictionRemoveCommand)
      .demandCommand(1, 1, 'say run, setup, enable, disable, config, status, logs or remove'),
  // demandCommand sees to it that one of them runs instead.
  handler: () => undefined,
};
