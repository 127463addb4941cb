import type { CommandModule } from 'yargs';
import { processorConfigCommand } from './processor-config';
import { processorDisableCommand, processorEnableCommand } from './processor-enable';
import { processorLogsCommand } from './processor-logs';
import { processorManualCommand, processorTestCommand } from './processor-manual';
import { processorQueueInfoCommand } from './processor-queue-info';
import { processorRemoveCommand } from './processor-remove';
import { processorSetupCommand } from './processor-setup';
import { processorStatusCommand, processorStatusDetailedCommand } from './processor-status';

export const processorCommand: CommandModule = {
  command: 'processor',
  describe: 'Have a PostgreSQL that keeps data, queue and cache run fragments by itself, by pg_cron',
  builder: (argv) =>
    argv
      .command(processorSetupCommand)
      .command(processorEnableCommand)
      .command(processorDisableCommand)
      .command(processorConfigCommand)
      .command(processorStatusCommand)
      .command(processorStatusDetailedCommand)
      .command(processorQueueInfoCommand)
      .command(processorLogsCommand)
      .command(processorManualCommand)
      .command(processorTestCommand)
      .command(processorRemoveCommand)
      .demandCommand(
        1,
        1,
        'say setup, enable, disable, config, status, status-detailed, queue-info, logs, manual-process, test or remove',
      ),
  // demandCommand sees to it that one of them runs instead.
  handler: () => undefined,
};
