import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { confirm } from '../confirm';
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
      .example('$0 manage maintenance partition --delete old_cities -c pcache.yaml', ''),
  handler: async ({ delete: name, yes, ...flags }) => {
    await using cache = await openedCache(flags);
    const known = [...(await cache.partitionKeys()).keys()];
    if (!known.includes(name)) {
      const others = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
      throw new Error(`there is no partition key ${name} in the cache: ${others}`);
    }
    if (!(await confirm(`Remove ${name} and its ${await cache.count(name)} entries`, yes))) return;
    process.stdout.write(`${name}: ${await cache.dropPartitionKey(name)} entries removed\n`);
  },
};
