import type { CommandModule } from 'yargs';
import type { EntryDescription } from '../../cache/cache-backend';
import { noBenefit } from '../../cache/entry-benefit';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';

interface ListFlags extends ConfigFlags {
  readonly 'partition-key': string | undefined;
}

export const cacheListCommand: CommandModule<object, ListFlags> = {
  command: 'list',
  describe: 'Say what is known of each fragment, one JSON object a line',
  builder: (argv) =>
    withConfigFlags(argv).example('$0 manage cache list -c pcache.yaml', '').option('partition-key', {
      type: 'string',
      requiresArg: true,
      describe: 'Only fragments of this partition key',
    }),
  handler: async (flags) => {
    await using cache = await openedCache(flags);
    for await (const entry of cache.list(flags['partition-key'])) process.stdout.write(lineOf(entry));
  },
};

/** Names as in the metadata of the store. Nothing here is a bigint. */
function lineOf({ fragment, status, keyCount, hasNullKey, bytes, ...rest }: EntryDescription): string {
  const { uses, savedMs } = rest.benefit ?? noBenefit;
  const line = {
    partition_key: fragment.partitionKey,
    hash: fragment.hash,
    status,
    key_count: keyCount,
    has_null_key: hasNullKey,
    bytes,
    created_at: new Date(rest.createdAt).toISOString(),
    last_used_at: new Date(rest.lastUsedAt).toISOString(),
    uses,
    saved_ms: savedMs,
    compute_ms: rest.computeMs,
    error: rest.error,
    fragment: fragment.sql,
  };
  return `${JSON.stringify(line)}\n`;
}
