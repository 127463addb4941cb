import type { CommandModule } from 'yargs';
import type { OriginalQuery } from '../../population/queue/work-kind';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { parseSetting, readStatements } from '../read-statements';
import { UsageError } from '../usage-error';
import { readKeyedConfig } from '../key-flags';
import { forEachQueue } from './opened-queues';
import { type JsonFlag, tell, withJsonFlag } from '../output';
import { unknownName } from '../unknown-name';

interface AddFlags extends ConfigFlags, JsonFlag {
  readonly query: string | undefined;
  readonly file: string | undefined;
  readonly database: string | undefined;
  readonly key: string | undefined;
  readonly priority: number;
  readonly 'set-session': readonly string[] | undefined;
}

export const queueAddCommand: CommandModule<object, AddFlags> = {
  command: 'add [query]',
  describe: 'Queue statements whose fragments are to be computed before anybody runs them',
  builder: (argv) => {
    const text = { type: 'string', requiresArg: true } as const;
    return withJsonFlag(withConfigFlags(argv))
      .example('$0 manage queue add --key region --file report.sql -c pcache.yaml', '')
      .positional('query', { type: 'string', describe: 'One statement, or several' })
      .option('file', { ...text, describe: 'File with statements, instead' })
      .option('database', { ...text, describe: 'Only for this one [default: all under databases]' })
      .option('key', { ...text, describe: 'Only for this partition key [default: all]' })
      .option('priority', { type: 'number', requiresArg: true, default: 1, describe: 'Higher comes first' })
      .option('set-session', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'NAME=VALUE: a setting the statements are to be understood with, such as search_path',
      });
  },
  handler: async ({ query, file, key, priority, 'set-session': set = [], ...flags }) => {
    if (!Number.isFinite(priority)) throw new UsageError('--priority: expected a number');
    const settings = Object.fromEntries(set.map(parseSetting));
    const statements = await readStatements(query, file);
    let queued = 0;
    const config = await readKeyedConfig(flags);
    await forEachQueue(config, flags.database, async ({ database, queries }) => {
      const keys = [...database.partitionKeys.values()].filter(
        ({ name }) => key === undefined || name === key,
      );
      const works = keys.flatMap(({ name, datatype }) =>
        statements.map((statement): OriginalQuery => {
          const work = { query: statement, partitionKey: name, datatype };
          return set.length === 0 ? work : { ...work, settings };
        }),
      );
      if (works.length > 0) await queries.push(works.map((work) => ({ work, priority })));
      queued += works.length;
    });
    if (queued === 0) {
      const keys = [...config.databases.values()].flatMap(({ partitionKeys }) => [...partitionKeys.keys()]);
      throw new UsageError(unknownName('partition key', key ?? '', 'under databases', keys));
    }
    tell(flags, { queued }, `${queued} ${queued === 1 ? 'statement' : 'statements'} queued`);
  },
};
