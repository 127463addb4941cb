import { readFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import type { OriginalQuery } from '../../population/queue/work-kind';
import { loadParser, parseStatements } from '../../query/ast/parser';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { UsageError } from '../usage-error';
import { fileTrouble } from './file-trouble';
import { forEachQueue } from './opened-queues';

interface AddFlags extends ConfigFlags {
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
    return withConfigFlags(argv)
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
    const text = query ?? (file === undefined ? undefined : readText(file));
    if (text === undefined) throw new UsageError('no statement: give one, or --file FILE');
    if (text.includes('\0')) throw new UsageError('a statement cannot contain a null character');
    if (!Number.isFinite(priority)) throw new UsageError('--priority: expected a number');
    const settings = Object.fromEntries(set.map(parseSetting));
    await loadParser();
    const statements = statementsIn(text);
    let queued = 0;
    await forEachQueue({ ...flags }, async ({ database, queries }) => {
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
    if (queued === 0) throw new UsageError('there is no such partition key');
    process.stdout.write(`${queued} ${queued === 1 ? 'statement' : 'statements'} queued\n`);
  },
};

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return fileTrouble('read')(error);
  }
}

function parseSetting(assignment: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (name === undefined || value === undefined)
    throw new UsageError(`--set-session ${assignment}: expected NAME=VALUE`);
  return [name.trim(), value];
}

/** Each statement by itself. A text that cannot be parsed goes as it is, to be told of in the dead letters. */
function statementsIn(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  try {
    return parseStatements(text).map(({ stmt_location: from = 0, stmt_len: length = 0 }) =>
      bytes
        .subarray(from, length === 0 ? undefined : from + length)
        .toString('utf8')
        .trim(),
    );
  } catch (error) {
    if (error instanceof Error) return [text];
    throw error;
  }
}
