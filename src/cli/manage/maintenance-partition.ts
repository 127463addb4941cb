import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { dropPartitionKeys } from './drop-partition-keys';
import { openedCache } from './opened-cache';
import { type JsonFlag, withJsonFlag } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';

interface PartitionFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly delete: string;
}

export const maintenancePartitionCommand: CommandModule<object, PartitionFlags> = {
  command: 'partition',
  describe: 'Remove a partition key with all its key sets; proxies that use it learn anew',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
      .option('delete', {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'The partition key',
      })
      .example('$0 manage maintenance partition --delete old_cities --yes -c pcache.yaml', ''),
  handler: async ({ delete: name, ...flags }) => {
    await using cache = await openedCache(flags);
    await dropPartitionKeys(cache, name, flags);
  },
};
