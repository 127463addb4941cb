import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { dropPartitionKeys } from './drop-partition-keys';
import { openedCache } from './opened-cache';

interface PartitionFlags extends ConfigFlags {
  readonly delete: string;
  readonly yes: boolean;
}

export const maintenancePartitionCommand: CommandModule<object, PartitionFlags> = {
  command: 'partition',
  describe: 'Remove a partition key with all its key sets; proxies that use it learn anew',
  builder: (argv) =>
    withConfigFlags(argv)
      .option('delete', {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'The partition key',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask' })
      .example('$0 manage maintenance partition --delete old_cities --yes -c pcache.yaml', ''),
  handler: async ({ delete: name, yes, ...flags }) => {
    await using cache = await openedCache(flags);
    await dropPartitionKeys(cache, name, yes);
  },
};
