import type { CommandModule } from 'yargs';
import { cacheMigrations } from '../../cache/backends/postgresql/cache-schema';
import { queueMigrations } from '../../population/queue/postgresql/queue-schema';
import { migrate, pendingMigrations } from '../../postgres/migrations';
import { readConfigFile } from '../../ops/config/read-config';
import { type ConfigFlags, readConfigFlags, withConfigFlags } from '../config-flags';
import { loadUpstreamTls } from '../load-tls';
import { openCachePool } from '../open-cache-pool';
import { queueSchema } from '../open-queues';
import { type JsonFlag, tell, withJsonFlag } from '../output';

interface SetupFlags extends ConfigFlags, JsonFlag {
  readonly part: (typeof parts)[number];
  readonly 'dry-run': boolean;
}

const parts = ['all', 'cache', 'queue'] as const;

export const manageSetupCommand: CommandModule<object, SetupFlags> = {
  command: 'setup [part]',
  describe:
    'Make the schema and tables of the cache and of the queue in PostgreSQL, or bring them up to this version; again does nothing',
  builder: (argv) =>
    withJsonFlag(withConfigFlags(argv))
      .example('$0 manage setup -c pcache.yaml', '')
      .positional('part', { choices: parts, default: 'all' as const, describe: 'What to make' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say what would be applied',
      }),
  handler: async (flags) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const config = readConfigFile(file, sources);
    const { postgresql } = config.cache;
    const isDry = flags['dry-run'];
    const sets = [
      { part: 'cache', place: postgresql, set: cacheMigrations(postgresql) },
      { part: 'queue', place: config.queue.postgresql, set: queueMigrations(queueSchema(config)) },
    ].filter(({ part, place }) =>
      // A cache elsewhere needs nothing made, and may have no database to be asked for.
      flags.part === 'all' ? part === 'queue' || place.database !== undefined : flags.part === part,
    );
    for (const { part, place, set } of sets) {
      await using pool = openCachePool(place, loadUpstreamTls(config));
      const names = await (isDry ? pendingMigrations : migrate)(pool, set);
      const what =
        names.length === 0 ? 'up to date' : `${isDry ? 'to apply' : 'applied'}: ${names.join(', ')}`;
      const schema = JSON.stringify(postgresql.schema);
      const object = { part, schema: postgresql.schema, target: pool.target, isDry, migrations: names };
      tell(flags, object, `${part} in schema ${schema} on ${pool.target}: ${what}`);
    }
  },
};
