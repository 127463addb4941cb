import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';

export const cacheCountCommand: CommandModule<object, ConfigFlags> = {
  command: 'count',
  describe: 'Say how many fragments are known, by partition key',
  builder: (argv) => withConfigFlags(argv),
  handler: async (flags) => {
    await using cache = await openedCache(flags);
    const counts: string[] = [];
    for (const [name, datatype] of await cache.partitionKeys())
      counts.push(`${name} (${datatype}): ${await cache.count(name)}\n`);
    process.stdout.write(counts.length === 0 ? 'no partition key is registered\n' : counts.join(''));
  },
};
