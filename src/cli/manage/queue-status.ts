import type { CommandModule } from 'yargs';
import { originalQueries, fragments as fragmentTier } from '../../population/queue/work-kind';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { readCommandConfig } from '../key-flags';
import { forEachQueue } from './opened-queues';

export const queueStatusCommand: CommandModule<object, ConfigFlags & { readonly json: boolean }> = {
  command: ['status', 'count'],
  describe: 'Count what waits, is delayed after a failure, is running, and was given up',
  builder: (argv) =>
    withConfigFlags(argv)
      .option('json', { type: 'boolean', default: false, describe: 'One JSON object for each tier' })
      .example('$0 manage queue count -c pcache.yaml', ''),
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
        process.stdout.write(
          flags.json ? `${JSON.stringify(line)}\n` : `${database.name} ${name}: ${counts}\n`,
        );
      }
    }),
};
