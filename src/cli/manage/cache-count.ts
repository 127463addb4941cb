import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';

export const cacheCountCommand: CommandModule<object, ConfigFlags & { readonly json: boolean }> = {
  command: 'count',
  describe: 'Say how many fragments are known, by partition key',
  builder: (argv) =>
    withConfigFlags(argv)
      .option('json', { type: 'boolean', default: false, describe: 'One JSON object for each partition key' })
      .example('$0 manage cache count -c pcache.yaml', ''),
  handler: async (flags) => {
    await using cache = await openedCache(flags);
    const lines: string[] = [];
    for (const [name, datatype] of await cache.partitionKeys()) {
      const entries = await cache.count(name);
      const line = { partition_key: name, datatype, entries };
      lines.push(flags.json ? JSON.stringify(line) : `${name} (${datatype}): ${entries}`);
    }
    if (lines.length === 0 && !flags.json) lines.push('no partition key is registered');
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  },
};
