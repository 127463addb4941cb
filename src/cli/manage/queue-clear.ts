import type { CommandModule } from 'yargs';
import { fragments as fragmentTier, originalQueries } from '../../population/queue/work-kind';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { confirm } from '../confirm';
import { readCommandConfig } from '../key-flags';
import { forEachQueue } from './opened-queues';
import { type JsonFlag, tell, withJsonFlag } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';

interface ClearFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly original: boolean | undefined;
  readonly fragment: boolean | undefined;
}

export const queueClearCommand: CommandModule<object, ClearFlags> = {
  command: 'clear',
  describe: 'Remove what waits or is delayed; what is running goes on, and what is learned comes again',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
      .option('original', { type: 'boolean', describe: 'Only statements of the first tier' })
      .option('fragment', {
        type: 'boolean',
        describe: 'Only fragments, of the second',
        conflicts: 'original',
      })
      .example('$0 manage queue clear --yes -c pcache.yaml', ''),
  handler: (flags) =>
    forEachQueue(readCommandConfig(flags), undefined, async ({ database, queries, fragments }) => {
      const tiers = [
        ...(flags.fragment === true ? [] : [[originalQueries.name, queries] as const]),
        ...(flags.original === true ? [] : [[fragmentTier.name, fragments] as const]),
      ];
      for (const [name, queue] of tiers) {
        const { waiting, delayed } = await queue.lengths();
        const question = `Remove ${waiting + delayed} from ${name} of ${database.name}`;
        if (waiting + delayed > 0 && !(await confirm(question, flags.yes))) continue;
        const removed = await queue.clear();
        tell(
          flags,
          { database: database.name, queue: name, removed },
          `${database.name} ${name}: ${removed} removed`,
        );
      }
    }),
};
