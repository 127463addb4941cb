import type { CommandModule } from 'yargs';
import { confirm } from '../confirm';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';

export const processorRemoveCommand: CommandModule<object, ProcessorFlags & { readonly yes: boolean }> = {
  command: 'remove',
  describe: 'Remove what setup has made, and the jobs; queue and cache stay',
  builder: (argv) =>
    withProcessorFlags(argv)
      .example('$0 processor remove --yes -c pcache.yaml', '')
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask' }),
  handler: async ({ yes, ...flags }) => {
    await using place = await ProcessingDatabase.open(flags);
    const status = await place.processor.find();
    if (!(await confirm('Remove the processor, its settings and its log', yes))) return;
    if (status !== undefined) await (await place.jobs.cron(status.cronDatabase)).unschedule(place.jobNames);
    await place.processor.drop();
    process.stdout.write('removed\n');
  },
};
