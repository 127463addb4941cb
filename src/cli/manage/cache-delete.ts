import type { CommandModule } from 'yargs';
import { type FragmentHash } from '../../query/fragment/fragment';
import { StartError } from '../../errors/start-error';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { confirm } from '../confirm';
import { UsageError } from '../usage-error';
import { dropPartitionKeys } from './drop-partition-keys';
import { openedCache } from './opened-cache';
import { type JsonFlag, tell, withJsonFlag } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';
import { checkPartitionKey } from './known-partition-key';

interface DeleteFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly partition: string | undefined;
  readonly hash: string | undefined;
  readonly all: boolean | undefined;
}

export const cacheDeleteCommand: CommandModule<object, DeleteFlags> = {
  command: 'delete',
  describe: 'Remove one key set, those of a partition key, or all; proxies that use them learn anew',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
      .option('partition', {
        type: 'string',
        requiresArg: true,
        alias: 'partition-key',
        describe: 'The partition key',
      })
      .option('hash', {
        type: 'string',
        requiresArg: true,
        describe: 'Only this fragment of it, as list says',
      })
      .option('all', { type: 'boolean', describe: 'All partition keys', conflicts: 'partition' })
      .example('$0 manage cache delete --partition old_cities --yes -c pcache.yaml', ''),
  handler: async ({ partition, hash, all, ...flags }) => {
    if ((partition === undefined) === (all !== true) || (hash !== undefined && partition === undefined))
      throw new UsageError('say which with --partition KEY, or with --partition KEY --hash HASH, or --all');
    await using cache = await openedCache(flags);
    if (partition === undefined || hash === undefined) {
      await dropPartitionKeys(cache, partition, flags);
      return;
    }
    await checkPartitionKey(cache, partition);
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new UsageError('--hash: expected the 64 digits that list shows');
    if (!(await confirm(`Remove ${hash} of ${partition}`, flags.yes))) return;
    if (!(await cache.delete(partition, hash as FragmentHash)))
      throw new StartError(`there is no entry ${hash} of ${partition}`);
    tell(flags, { partitionKey: partition, hash, removed: 1 }, `${partition}: 1 entry removed`);
  },
};
