import type { CommandModule } from 'yargs';
import type { ProcessorStatus } from '../../population/processor/processor-records';
import { defaultMaxTextBytes } from '../../population/sources/postgresql';
import { changeOf, type ProcessorLimitFlags, withProcessorLimitFlags } from './limit-flags';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import { tell } from '../output';

export const processorConfigCommand: CommandModule<object, ProcessorFlags & ProcessorLimitFlags> = {
  command: ['config', 'update-config'],
  describe: 'Say what the limits in the database are, or change those that are given',
  builder: (argv) =>
    withProcessorLimitFlags(withProcessorFlags(argv)).example(
      '$0 processor config --max-jobs 10 --frequency 2 -c pcache.yaml',
      '',
    ),
  handler: async (flags) => {
    const change = changeOf(flags);
    await using place = await ProcessingDatabase.open(flags);
    const { processor, jobs } = place;
    if (Object.keys(change).length > 0) {
      await processor.status();
      await processor.change(change);
      if (change.maxKeys !== undefined)
        await place.writeForms({ maxKeys: change.maxKeys, maxBytes: defaultMaxTextBytes });
    }
    const status = await processor.status();
    const isOther = change.maxJobs !== undefined || change.frequencyS !== undefined;
    if (status.isEnabled && isOther) await place.schedule(await jobs.cron(status.cronDatabase));
    tell(flags, processorObject(status), describeProcessor(status));
  },
};

/** The same for a program. */
export function processorObject({ isEnabled: enabled, ...status }: ProcessorStatus): object {
  return { enabled, ...status };
}

export function describeProcessor(status: ProcessorStatus): string {
  const { isEnabled, backend, maxJobs, frequencyS, timeoutS, maxKeys, logDays, cronDatabase } = status;
  return (
    `${isEnabled ? 'enabled' : 'disabled'}, for ${backend}; pg_cron in database ${cronDatabase}\n` +
    `max-jobs ${maxJobs}, frequency ${frequencyS} s, timeout ${timeoutS} s, limit ${maxKeys} keys, log-days ${logDays}`
  );
}
