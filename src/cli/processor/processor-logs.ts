import type { CommandModule } from 'yargs';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import type { ProcessorLogLine } from '../../population/processor/processor-records';
import { oneLine, tell } from '../output';
import { integerOf } from '../number-flag';

interface LogsFlags extends ProcessorFlags {
  readonly limit: string;
  readonly status: string | undefined;
}

/** More than that is for SQL. */
export const mostLines = 1_000_000;

/** As processor-records.ts explains them. */
const runStatuses = [
  ...[
    'ok',
    'timeout',
    'too_large',
    'failed',
    'retry',
    'conflict',
    'known',
    'failed before',
    'buried',
    'lost',
  ],
];

export const processorLogsCommand: CommandModule<object, LogsFlags> = {
  command: 'logs',
  describe: 'List the latest runs, the latest first',
  builder: (argv) =>
    withProcessorFlags(argv)
      .example('$0 processor logs --limit 20 -c pcache.yaml', '')
      .option('limit', { type: 'string', requiresArg: true, default: '20', describe: 'How many' })
      .option('status', {
        type: 'string',
        requiresArg: true,
        choices: runStatuses,
        describe: 'Only those that ended so',
      }),
  handler: async ({ status, ...flags }) => {
    const limit = integerOf(flags, 'limit', 1, mostLines) ?? mostLines;
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
