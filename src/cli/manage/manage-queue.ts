import type { CommandModule } from 'yargs';
import { queueAddCommand } from './queue-add';
import { queueClearCommand } from './queue-clear';
import { queueDeadCommand } from './queue-dead';
import { queueStatusCommand } from './queue-status';

export const manageQueueCommand: CommandModule = {
  command: 'queue',
  describe:
    'Add statements to the queue of proxies and observers, count what is in it, list what was given up, clear it',
  builder: (argv) =>
    argv
      .command(queueAddCommand)
      .command(queueStatusCommand)
      .command(queueDeadCommand)
      .command(queueClearCommand)
      .demandCommand(1, 1, 'say add, status, dead or clear'),
  handler: () => undefined,
};
