import type { CommandModule } from 'yargs';
import type { CacheBackend, EntryDescription } from '../../cache/cache-backend';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { confirm } from '../confirm';
import { UsageError } from '../usage-error';
import { openedCache } from './opened-cache';

interface PruneFlags extends ConfigFlags {
  readonly days: number;
  readonly 'partition-key': string | undefined;
  readonly 'dry-run': boolean;
  readonly yes: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;

export const maintenancePruneCommand: CommandModule<object, PruneFlags> = {
  command: 'prune',
  describe: 'Remove key sets that no statement has used for some days',
  builder: (argv) =>
    withConfigFlags(argv)
      .option('days', {
        type: 'number',
        requiresArg: true,
        demandOption: true,
        describe: 'Days since the last use; fractions are allowed',
      })
      .option('partition-key', {
        type: 'string',
        requiresArg: true,
        describe: 'Only those of this partition key',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say how many there are' })
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask' })
      .example('$0 manage maintenance prune --days 30 --dry-run -c pcache.yaml', ''),
  handler: async ({ days, 'partition-key': partitionKey, 'dry-run': isDry, yes, ...flags }) => {
    if (!(days >= 0)) throw new UsageError('--days must be a number of days, 0 or more');
    await using cache = await openedCache(flags);
    const before = Date.now() - days * dayMs;
    const { count, bytes } = await sumOf(unused(cache, before, partitionKey));
    const found = `${count} entries of ${bytes} bytes, not used for ${days} days`;
    if (isDry || count === 0) {
      process.stdout.write(`${found}\n`);
      return;
    }
    if (!(await confirm(`Remove ${found}`, yes))) return;
    let removed = 0;
    // One that was used since it was counted stays.
    for await (const { fragment } of unused(cache, before, partitionKey))
      if (await cache.delete(fragment.partitionKey, fragment.hash)) removed++;
    process.stdout.write(`${removed} entries removed\n`);
  },
};

async function* unused(
  cache: CacheBackend,
  before: number,
  partitionKey: string | undefined,
): AsyncIterable<EntryDescription> {
  for await (const entry of cache.list(partitionKey))
    if (Math.max(entry.lastUsedAt, entry.createdAt) < before) yield entry;
}

async function sumOf(
  entries: AsyncIterable<EntryDescription>,
): Promise<{ readonly count: number; readonly bytes: number }> {
  let [count, bytes] = [0, 0];
  for await (const entry of entries) [count, bytes] = [count + 1, bytes + (entry.bytes ?? 0)];
  return { count, bytes };
}
