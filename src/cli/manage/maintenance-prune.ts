import type { CommandModule } from 'yargs';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { UsageError } from '../usage-error';
import { openedCache } from './opened-cache';
import { removeEntries } from './remove-entries';
import { type JsonFlag, withJsonFlag } from '../output';
import { type YesFlag, withYesFlag } from '../yes-flag';

interface PruneFlags extends ConfigFlags, JsonFlag, YesFlag {
  readonly days: number;
  readonly 'partition-key': string | undefined;
  readonly 'dry-run': boolean;
}

const dayMs = 24 * 60 * 60 * 1000;

export const maintenancePruneCommand: CommandModule<object, PruneFlags> = {
  command: 'prune',
  describe: 'Remove key sets that no statement has used for some days',
  builder: (argv) =>
    withYesFlag(withJsonFlag(withConfigFlags(argv)))
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
      .example('$0 manage maintenance prune --days 30 --dry-run -c pcache.yaml', ''),
  handler: async ({ days, 'partition-key': partitionKey, 'dry-run': isDry, ...flags }) => {
    if (!(days >= 0)) throw new UsageError('--days must be a number of days, 0 or more');
    await using cache = await openedCache(flags);
    const before = Date.now() - days * dayMs;
    await removeEntries(cache, flags, {
      ...{ partitionKey, isDry, what: `not used for ${days} days` },
      isMeant: ({ lastUsedAt, createdAt }) => Math.max(lastUsedAt, createdAt) < before,
    });
  },
};
