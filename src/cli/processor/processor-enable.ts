import type { CommandModule } from 'yargs';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import { tell } from '../output';

export const processorEnableCommand: CommandModule<object, ProcessorFlags> = {
  command: 'enable',
  describe: 'Have pg_cron run fragments',
  builder: (argv) => withProcessorFlags(argv).example('$0 processor enable -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = await ProcessingDatabase.open(flags);
    const { maxJobs, frequencyS, cronDatabase } = await place.processor.status();
    await place.schedule(await place.jobs.cron(cronDatabase));
    await place.processor.change({ isEnabled: true });
    const text = `enabled: ${maxJobs} jobs, which look every ${frequencyS} s`;
    tell(flags, { enabled: true, maxJobs, frequencyS }, text);
  },
};

export const processorDisableCommand: CommandModule<object, ProcessorFlags> = {
  command: 'disable',
  describe: 'Have pg_cron run no more fragments: what runs is finished, the queue stays',
  builder: (argv) => withProcessorFlags(argv).example('$0 processor disable -c pcache.yaml', ''),
  handler: async (flags) => {
    await using place = await ProcessingDatabase.open(flags);
    const { cronDatabase } = await place.processor.status();
    await place.processor.change({ isEnabled: false });
    await (await place.jobs.cron(cronDatabase)).unschedule(place.jobNames);
    tell(flags, { enabled: false }, 'disabled');
  },
};
