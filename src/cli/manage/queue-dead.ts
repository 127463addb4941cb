import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { readCommandConfig } from '../key-flags';
import { forEachQueue } from './opened-queues';
import { type JsonFlag, oneLine, tell, withJsonFlag } from '../output';

const most = 1_000;

export const queueDeadCommand: CommandModule<object, ConfigFlags & JsonFlag> = {
  command: 'dead',
  describe: 'List what was given up, the latest first, with the reasons',
  builder: (argv) => withJsonFlag(withConfigFlags(argv)).example('$0 manage queue dead -c pcache.yaml', ''),
  handler: (flags) =>
    forEachQueue(readCommandConfig(flags), undefined, async ({ database, queries, fragments }) => {
      for (const queue of [queries, fragments]) {
        for (const letter of await queue.deadLetters(most)) {
          const { query, partitionKey, reason, buriedAt } = letter;
          const line = { database: database.name, partitionKey, reason, buriedAt: new Date(buriedAt), query };
          const at = line.buriedAt.toISOString();
          tell(
            flags,
            line,
            `${at} ${partitionKey} in ${database.name}: ${oneLine(reason)}\n  ${oneLine(query)}`,
          );
        }
      }
    }),
};
