import type { CommandModule } from 'yargs';
import type { EntryDescription } from '../../cache/cache-backend';
import { noBenefit } from '../../cache/entry-benefit';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { openedCache } from './opened-cache';
import { type JsonFlag, oneLine, tell, withJsonFlag } from '../output';
import { checkPartitionKey } from './known-partition-key';

interface ListFlags extends ConfigFlags, JsonFlag {
  readonly 'partition-key': string | undefined;
}

export const cacheListCommand: CommandModule<object, ListFlags> = {
  command: 'list',
  describe: 'Say what is known of each fragment',
  builder: (argv) =>
    withJsonFlag(withConfigFlags(argv), 'for each fragment')
      .example('$0 manage cache list -c pcache.yaml', '')
      .option('partition-key', {
        type: 'string',
        requiresArg: true,
        describe: 'Only fragments of this partition key',
      }),
  handler: async (flags) => {
    await using cache = await openedCache(flags);
    await checkPartitionKey(cache, flags['partition-key']);
    for await (const entry of cache.list(flags['partition-key'])) tell(flags, objectOf(entry), textOf(entry));
  },
};

/** Names as in the metadata of the store. Nothing here is a bigint. */
function objectOf({ fragment, status, keyCount, hasNullKey, bytes, ...rest }: EntryDescription): object {
  const { uses, savedMs } = rest.benefit ?? noBenefit;
  return {
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
}

/** One line, and the fragment below it. */
function textOf({ fragment, status, keyCount, hasNullKey, ...rest }: EntryDescription): string {
  const { uses, savedMs } = rest.benefit ?? noBenefit;
  const bytes = rest.bytes === undefined ? '' : ` in ${rest.bytes} bytes`;
  const keys = `${keyCount} keys${hasNullKey ? ' and NULL' : ''}${bytes}`;
  const used = uses === 0 ? 'not used' : `used ${uses} times, ${Math.round(savedMs)} ms saved`;
  const failed = rest.error === undefined ? '' : `: ${oneLine(rest.error)}`;
  return (
    `${fragment.partitionKey} ${fragment.hash} ${status}${failed}\n` +
    `  ${keys}; computed ${new Date(rest.createdAt).toISOString()} in ${Math.round(rest.computeMs)} ms; ${used}\n` +
    `  ${oneLine(fragment.sql)}`
  );
}
