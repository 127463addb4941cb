import type { CommandModule } from 'yargs';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import type { ProcessorLogLine } from '../../population/processor/processor-records';
import { oneLine, tell } from '../output';

interface LogsFlags extends ProcessorFlags {
  readonly limit: number;
  readonly status: string | undefined;
}

export const processorLogsCommand: CommandModule<object, LogsFlags> = {
  command: 'logs',
  describe: 'List the latest runs, the latest first',
  builder: (argv) =>
    withProcessorFlags(argv)
      .example('$0 processor logs --limit 20 -c pcache.yaml', '')
      .option('limit', { type: 'number', requiresArg: true, default: 20, describe: 'How many' })
      .option('status', {
        type: 'string',
        requiresArg: true,
        describe: 'Only those that ended so: ok, timeout, too_large, failed, retry, lost …',
      }),
  handler: async ({ limit, status, ...flags }) => {
    await using place = await ProcessingDatabase.open(flags);
    for (const line of await place.processor.log(limit, status)) tell(flags, line, describeLine(line));
  },
};

export function describeLine(line: ProcessorLogLine): string {
  const { at, slot, status, partitionKey, hash, keyCount, ms, message } = line;
  const found = keyCount === undefined ? '' : `, ${keyCount} keys`;
  const took = ms === undefined ? '' : `, ${ms.toFixed(1)} ms`;
  return (
    `${at.toISOString()} slot ${slot} ${status}${found}${took}` +
    `${partitionKey === undefined ? '' : `, ${partitionKey} ${hash ?? ''}`}${message === undefined ? '' : `: ${oneLine(message)}`}`
  );
}
