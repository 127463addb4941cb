import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';
import { type JsonFlag, tell, tellPeople, withJsonFlag } from '../output';

export const cacheCountCommand: CommandModule<object, ConfigFlags & JsonFlag> = {
  command: 'count',
  describe: 'Say how many fragments are known, by partition key',
  builder: (argv) =>
    withJsonFlag(withConfigFlags(argv), 'for each partition key').example(
      '$0 manage cache count -c pcache.yaml',
      '',
    ),
  handler: async (flags) => {
    await using cache = await openedCache(flags);
    const keys = await cache.partitionKeys();
    if (keys.size === 0) tellPeople(flags, 'no partition key is registered');
    for (const [name, datatype] of keys) {
      const entries = await cache.count(name);
      tell(flags, { partitionKey: name, datatype, entries }, `${name} (${datatype}): ${entries}`);
    }
  },
};
