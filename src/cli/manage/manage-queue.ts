import type { CommandModule } from 'yargs';
import { queueAddCommand } from './queue-add';
import { queueDeadCommand } from './queue-dead';
import { queueStatusCommand } from './queue-status';

export const manageQueueCommand: CommandModule = {
  command: 'queue',
  describe:
    'Add statements to the queue of proxies and observers, count what is in it, list what was given up',
  builder: (argv) =>
    argv
      .command(queueAddCommand)
      .command(queueStatusCommand)
      .command(queueDeadCommand)
      .demandCommand(1, 1, 'say add, status or dead'),
  handler: () => undefined,
};
