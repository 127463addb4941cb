import type { CommandModule } from 'yargs';
import { originalQueries, fragments as fragmentTier } from '../../population/queue/work-kind';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { readCommandConfig } from '../key-flags';
import { forEachQueue } from './opened-queues';

export const queueStatusCommand: CommandModule<object, ConfigFlags> = {
  command: ['status', 'count'],
  describe: 'Count what waits, is delayed after a failure, is running, and was given up',
  builder: (argv) => withConfigFlags(argv),
  handler: (flags) =>
    forEachQueue(readCommandConfig(flags), undefined, async ({ database, queries, fragments }) => {
      const tiers = [
        [originalQueries.name, queries],
        [fragmentTier.name, fragments],
      ] as const;
      for (const [name, queue] of tiers) {
        const { waiting, delayed, running, dead } = await queue.lengths();
        const counts = `${waiting} waiting, ${delayed} delayed, ${running} running, ${dead} dead`;
        process.stdout.write(`${database.name} ${name}: ${counts}\n`);
      }
    }),
};
