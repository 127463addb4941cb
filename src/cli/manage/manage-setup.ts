import type { CommandModule } from 'yargs';
import { cacheMigrations } from '../../cache/backends/postgresql/cache-schema';
import { migrate, pendingMigrations } from '../../postgres/migrations';
import { readConfigFile } from '../../ops/config/read-config';
import { type ConfigFlags, readConfigFlags, withConfigFlags } from '../config-flags';
import { loadUpstreamTls } from '../load-tls';
import { openCachePool } from '../open-cache-pool';

interface SetupFlags extends ConfigFlags {
  readonly 'dry-run': boolean;
}

export const manageSetupCommand: CommandModule<object, SetupFlags> = {
  command: 'setup',
  describe:
    "Make the cache's schema and tables in PostgreSQL, or bring them up to this version; again does nothing",
  builder: (argv) =>
    withConfigFlags(argv).option('dry-run', {
      type: 'boolean',
      default: false,
      describe: 'Only say what would be applied',
    }),
  handler: async (flags) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const config = readConfigFile(file, sources);
    const { postgresql } = config.cache;
    await using pool = openCachePool(postgresql, loadUpstreamTls(config));
    const isDry = flags['dry-run'];
    const names = await (isDry ? pendingMigrations : migrate)(pool, cacheMigrations(postgresql));
    const what = names.length === 0 ? 'up to date' : `${isDry ? 'to apply' : 'applied'}: ${names.join(', ')}`;
    process.stdout.write(`schema ${JSON.stringify(postgresql.schema)} on ${pool.target}: ${what}\n`);
  },
};
