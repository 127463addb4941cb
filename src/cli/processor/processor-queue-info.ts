import type { CommandModule } from 'yargs';
import { PostgresqlQueue } from '../../population/queue/postgresql/postgresql-queue';
import { fragments, originalQueries, type WorkKind } from '../../population/queue/work-kind';
import { queueSchema } from '../open-queues';
import { ProcessingDatabase, type ProcessorFlags, withProcessorFlags } from './processing-database';
import type { WaitingFragment } from '../../population/processor/processor-records';
import { oneLine, tell } from '../output';
import { integerOf } from '../number-flag';
import { mostLines } from './processor-logs';

export const processorQueueInfoCommand: CommandModule<object, ProcessorFlags & { readonly limit: string }> = {
  command: 'queue-info',
  describe: 'Count what waits, and list what is to be run next',
  builder: (argv) =>
    withProcessorFlags(argv).example('$0 processor queue-info -c pcache.yaml', '').option('limit', {
      type: 'string',
      requiresArg: true,
      default: '10',
      describe: 'How many are listed',
    }),
  handler: async (flags) => {
    const limit = integerOf(flags, 'limit', 0, mostLines) ?? mostLines;
    await using place = await ProcessingDatabase.open(flags);
    const { processor, jobs, config } = place;
    const { source } = await processor.status();
    const count = async <Work>(kind: WorkKind<Work>): Promise<void> => {
      await using queue = new PostgresqlQueue({
        ...{ pool: jobs.pool, schema: queueSchema(config), kind, source, isListening: false },
        warn: () => undefined,
      });
      const { waiting, delayed, running, dead } = await queue.lengths();
      tell(
        flags,
        { queue: kind.name, waiting, delayed, running, dead },
        `${kind.name}: ${waiting} waiting, ${delayed} delayed, ${running} running, ${dead} dead`,
      );
    };
    await count(originalQueries);
    await count(fragments);
    for (const waiting of await processor.next(source, limit)) tell(flags, waiting, describeWaiting(waiting));
  },
};

function describeWaiting({ partitionKey, priority, attempts, queuedAt, query }: WaitingFragment): string {
  return (
    `${partitionKey}, priority ${priority}, ${attempts} attempts, queued ${queuedAt.toISOString()}\n` +
    `  ${oneLine(query)}`
  );
}
