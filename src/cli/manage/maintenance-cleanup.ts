import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { integerOf } from '../number-flag';
import { UsageError } from '../usage-error';
import { openedCache } from './opened-cache';
import { removeEntries } from './remove-entries';
import { type JsonFlag, withJsonFlag } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';

interface CleanupFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly 'remove-termination': boolean;
  readonly 'remove-large': string | undefined;
  readonly 'partition-key': string | undefined;
  readonly 'dry-run': boolean;
}

export const maintenanceCleanupCommand: CommandModule<object, CleanupFlags> = {
  command: 'cleanup',
  describe:
    'Remove what is remembered of fragments that failed, timed out or had too many keys, or large key sets',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
      .option('remove-termination', {
        type: 'boolean',
        default: false,
        describe: 'Entries without keys: their fragments are then tried again',
      })
      .option('remove-large', {
        type: 'string',
        requiresArg: true,
        describe: 'Entries of more keys than this',
      })
      .option('partition-key', {
        type: 'string',
        requiresArg: true,
        describe: 'Only those of this partition key',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say how many there are' })
      .example('$0 manage maintenance cleanup --remove-termination --dry-run -c pcache.yaml', ''),
  handler: async (flags) => {
    const most = integerOf(flags, 'remove-large', 0, Number.MAX_SAFE_INTEGER);
    const isOfFailures = flags['remove-termination'];
    if (!isOfFailures && most === undefined)
      throw new UsageError('say --remove-termination, or --remove-large KEYS');
    await using cache = await openedCache(flags);
    const what = [
      ...(isOfFailures ? ['without keys'] : []),
      ...(most === undefined ? [] : [`of more than ${most} keys`]),
    ];
    await removeEntries(cache, flags, {
      ...{
        partitionKey: flags['partition-key'],
        isDry: flags['dry-run'],
        what: what.join(' or '),
      },
      isMeant: ({ status, keyCount }) =>
        (isOfFailures && status !== 'ok') || (most !== undefined && keyCount > most),
    });
  },
};
