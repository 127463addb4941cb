import type { CommandModule } from 'yargs';
import { cacheGrants } from '../../cache/backends/postgresql/cache-schema';
import { readConfigFile } from '../../ops/config/read-config';
import { queueGrants } from '../../population/queue/postgresql/queue-schema';
import { type ConfigFlags, readConfigFlags, withConfigFlags } from '../config-flags';
import { queueSchema } from '../open-queues';

interface GrantsFlags extends ConfigFlags {
  readonly control: string;
  readonly population: string | undefined;
  readonly client: string | undefined;
}

export const manageGrantsCommand: CommandModule<object, GrantsFlags> = {
  command: 'grants',
  describe:
    'Print the SQL that gives roles what they need in a cache and a queue in PostgreSQL, and nothing more',
  builder: (argv) => {
    const role = { type: 'string', requiresArg: true } as const;
    return withConfigFlags(argv)
      .example('$0 manage grants --control pcache -c pcache.yaml', '')
      .option('control', { ...role, demandOption: true, describe: 'Role of proxies and observers' })
      .option('population', { ...role, describe: 'Role that runs fragments [default: the control role]' })
      .option('client', {
        ...role,
        describe:
          'Role of clients, if their statements are to read key sets in the database; it gets their columns only',
      });
  },
  handler: ({ control, population = control, client, ...flags }) => {
    const { file, sources } = readConfigFlags(flags, process.env);
    const config = readConfigFile(file, sources);
    process.stdout.write(cacheGrants(config.cache.postgresql, { control, population, client }));
    process.stdout.write(`\n${queueGrants(queueSchema(config), control)}`);
  },
};
