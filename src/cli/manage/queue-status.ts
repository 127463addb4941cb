import type { CommandModule } from 'yargs';
import { originalQueries, fragments as fragmentTier } from '../../population/queue/work-kind';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { readCommandConfig } from '../key-flags';
import { forEachQueue } from './opened-queues';
import { type JsonFlag, tell, withJsonFlag } from '../output';

export const queueStatusCommand: CommandModule<object, ConfigFlags & JsonFlag> = {
  command: ['status', 'count'],
  describe: 'Count what waits, is delayed after a failure, is running, and was given up',
  builder: (argv) =>
    withJsonFlag(withConfigFlags(argv), 'for each tier').example('$0 manage queue count -c pcache.yaml', ''),
  handler: (flags) =>
    forEachQueue(readCommandConfig(flags), undefined, async ({ database, queries, fragments }) => {
      const tiers = [
        [originalQueries.name, queries],
        [fragmentTier.name, fragments],
      ] as const;
      for (const [name, queue] of tiers) {
        const { waiting, delayed, running, dead } = await queue.lengths();
        const counts = `${waiting} waiting, ${delayed} delayed, ${running} running, ${dead} dead`;
        const line = { database: database.name, queue: name, waiting, delayed, running, dead };
        tell(flags, line, `${database.name} ${name}: ${counts}`);
      }
    }),
};
