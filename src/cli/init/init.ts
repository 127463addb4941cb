import { writeFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { ConfigError } from '../../errors/config-error';
import { StartError } from '../../errors/start-error';
import { Tracking } from '../../freshness/tracking';
import { readConfig } from '../../ops/config/read-config';
import { findSharedColumns } from '../../postgres/catalog/find-key-columns';
import { type ControlPool, openPool } from '../../postgres/control-pool';
import { fileTrouble } from '../manage/file-trouble';
import { UsageError } from '../usage-error';
import { fromStatStatements } from '../warm/workload';
import { configText } from './config-text';
import { loadDsnTls, readDsn } from './read-dsn';
import { type SuggestedKey, suggestKeys } from './suggest-keys';
import { type JsonFlag, tell, tellPeople, withJsonFlag } from '../output';

interface InitFlags extends JsonFlag {
  readonly dsn: string;
  readonly output: string;
  readonly 'password-env': string;
  readonly force: boolean;
}

const trackingSchema = 'pcache';
const statementsLookedAt = 200;

export const initCommand: CommandModule<object, InitFlags> = {
  command: 'init',
  describe: 'Look at a database, and write a configuration with the partition keys it suggests, and why',
  builder: (argv) =>
    withJsonFlag(argv)
      .option('dsn', {
        type: 'string',
        requiresArg: true,
        demandOption: true,
        describe: 'The database: postgresql://user:password@host:port/database?sslmode=require',
      })
      .option('output', {
        type: 'string',
        requiresArg: true,
        alias: 'o',
        default: 'pcache.yaml',
        describe: 'File to write, - for standard output',
      })
      .option('password-env', {
        type: 'string',
        requiresArg: true,
        default: 'PCACHE_CONTROL_PASSWORD',
        describe:
          'Variable that the configuration is to read the password from; it is used here if the DSN has none',
      })
      .option('force', { type: 'boolean', default: false, describe: 'Write over a file that is there' })
      .example('$0 init --dsn postgresql://pcache@localhost:5432/places --output -', 'only show it'),
  handler: async ({ dsn, output, 'password-env': variable, force, json }) => {
    const parts = readDsn(dsn);
    const { host, port, database, user, password = process.env[variable], tls } = parts;
    await using pool = openPool({
      ...{ host, port, database, user, password, maxConnections: 1 },
      tls: loadDsnTls(parts),
    });
    const columns = await findSharedColumns(pool, trackingSchema);
    const statements = await statementsOf(pool);
    const keys = suggestKeys(columns, statements ?? []);
    const tracking = new Tracking({ pool, schema: trackingSchema, lockTimeoutMs: 0, attempts: 1 });
    const isTracked = ((await tracking.status())?.sources.length ?? 0) > 0;
    const passwordVariable = password === undefined ? undefined : variable;
    const hasStatements = statements !== undefined;
    const text = configText({
      ...{ host, port, tls, database, user, passwordVariable },
      ...{ keys, isTracked, hasStatements },
    });
    if (keys.length > 0) check(text, { [variable]: password ?? '' });
    const flags = { json };
    if (output !== '-') write(output, text, force);
    else if (!json) {
      process.stdout.write(text);
      return;
    }
    const names = keys.map(({ name }) => name).join(', ');
    tell(
      flags,
      {
        ...(output === '-' ? { configuration: text } : { file: output }),
        partitionKeys: keys.map(objectOf),
        passwordVariable,
        isTracked,
      },
      `${output}: ${keys.length === 0 ? 'no partition key was found; name one in it' : `partition keys, best first: ${names}`}`,
    );
    if (passwordVariable !== undefined)
      tellPeople(flags, `the password is read from the variable ${passwordVariable}`);
    tellPeople(
      flags,
      `next: pcache config check -c ${output}${isTracked ? '' : ` && pcache track install -c ${output}`}`,
    );
  },
};

/** A suggested key for a program. */
function objectOf({ name, datatype, columns, why }: SuggestedKey): object {
  const tables = columns.map(({ schema, table, column }) => ({ schema, table, column }));
  return { name, datatype, tables, why };
}

/** undefined: it is not known what is run. */
async function statementsOf(pool: ControlPool): Promise<readonly string[] | undefined> {
  try {
    return (await fromStatStatements(pool, statementsLookedAt)).map(({ query }) => query);
  } catch (error) {
    if (error instanceof StartError) return undefined;
    throw error;
  }
}

/** What is written is valid, or it is a mistake of ours. */
function check(text: string, environment: Readonly<Record<string, string>>): void {
  try {
    readConfig(text, { source: 'pcache init', environment, workingDirectory: process.cwd() });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new Error(`what was found makes no valid configuration: ${error.message}`, { cause: error });
  }
}

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new UsageError(`${file} is there already; --force writes over it`);
    fileTrouble('written')(error);
  }
}
