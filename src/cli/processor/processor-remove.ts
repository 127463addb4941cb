import type { CommandModule } from 'yargs';
import { confirm } from '../confirm';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import { tell } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';

export const processorRemoveCommand: CommandModule<object, ProcessorFlags & YesFlag> = {
  command: 'remove',
  describe: 'Remove what setup has made, and the jobs; queue and cache stay',
  builder: (argv) =>
    withYesFlag(withProcessorFlags(argv)).example('$0 processor remove --yes -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = await ProcessingDatabase.open(flags);
    const status = await place.processor.find();
    if (!(await confirm('Remove the processor, its settings and its log', flags.yes))) return;
    if (status !== undefined) await (await place.jobs.cron(status.cronDatabase)).unschedule(place.jobNames);
    await place.processor.drop();
    tell(flags, { removed: true }, 'removed');
  },
};
