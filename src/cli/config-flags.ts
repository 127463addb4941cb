import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Argv } from 'yargs';
import { messageOf } from '../errors/message-of';
import type { ConfigSources } from '../ops/config/check-config';
import type { Override } from '../ops/config/config-overrides';
import { partitionCacheVariableNames } from '../ops/config/partition-cache-variables';
import { UsageError } from './usage-error';

type Flag = string | readonly string[] | undefined;

/** The options of every command that reads a configuration, as yargs leaves them: repeated ones become arrays. */
export interface ConfigFlags {
  readonly config: Flag;
  readonly env?: Flag;
  readonly mode: Flag;
  readonly workers?: Flag;
  readonly 'cache-backend'?: Flag;
  readonly 'queue-provider'?: Flag;
  readonly 'db-name'?: Flag;
  readonly 'log-level': Flag;
  readonly set: readonly string[] | undefined;
}

/** Declares them. Flags win over the environment, which wins over the file, which wins over the defaults. */
export function withConfigFlags<T>(argv: Argv<T>): Argv<T & ConfigFlags> {
  const text = { type: 'string', requiresArg: true } as const;
  return argv
    .option('config', {
      ...text,
      alias: 'c',
      describe: 'Configuration file, - for standard input [environment: PCACHE_CONFIG]',
    })
    .option('env', {
      ...text,
      alias: 'env-file',
      describe:
        'File of variables, for those the environment has not [default: .env, if there is one and no configuration file]',
    })
    .option('mode', {
      ...text,
      describe:
        'on, verify, observe or off [environment: PCACHE_MODE] [default: what the file says, else on]',
    })
    .option('cache-backend', {
      ...text,
      describe:
        'As cache.backend, such as postgresql_array [environment: PCACHE_CACHE_BACKEND, CACHE_BACKEND]',
    })
    .option('queue-provider', {
      ...text,
      describe:
        'As queue.provider, such as postgresql [environment: PCACHE_QUEUE_PROVIDER, QUERY_QUEUE_PROVIDER]',
    })
    .option('db-name', {
      ...text,
      describe: 'The database meant, where there are several or no configuration file [environment: DB_NAME]',
    })
    .option('log-level', {
      ...text,
      describe: 'silent to trace [environment: PCACHE_LOG_LEVEL] [default: what the file says, else info]',
    })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe:
        'Any option outside databases, as --set listen.port=6433; may be repeated ' +
        '[environment: PCACHE_LISTEN_PORT and so on]',
    })
    .group(
      ['config', 'env', 'mode', 'cache-backend', 'queue-provider', 'db-name', 'log-level', 'set'],
      'Configuration:',
    );
}

export interface NamedConfig {
  /** undefined: there is none, and the environment says what there is to say. */
  readonly file: string | undefined;
  readonly sources: Omit<ConfigSources, 'source'>;
}

/** Which file to read, and what stands above it. Throws UsageError. */
export function readConfigFlags(flags: ConfigFlags, environment: NodeJS.ProcessEnv): NamedConfig {
  const overrides = [
    ...(flags.set ?? []).map(parseSet),
    ...flagOverride('mode', '--mode', flags.mode),
    ...flagOverride('workers', '--workers', flags.workers),
    ...flagOverride('cache.backend', '--cache-backend', flags['cache-backend']),
    ...flagOverride('queue.provider', '--queue-provider', flags['queue-provider']),
    ...flagOverride('log.level', '--log-level', flags['log-level']),
  ];
  const whole = environmentOf(flags, environment);
  const file = configFileOf(flags, whole);
  if (file === undefined && !partitionCacheVariableNames.some((name) => isSet(whole[name])))
    throw new UsageError(
      'no configuration: name its file with --config FILE or in the variable PCACHE_CONFIG, or set DB_NAME and its like',
    );
  return { file, sources: { environment: whole, workingDirectory: process.cwd(), flags: overrides } };
}

/** The environment with what the file of variables adds to it. Throws UsageError. */
export function environmentOf(flags: ConfigFlags, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const named = single(flags.env, '--env');
  const isByItself = named === undefined && configFileOf(flags, environment) === undefined;
  const path = named ?? (isByItself && existsSync('.env') ? '.env' : undefined);
  const database = single(flags['db-name'], '--db-name');
  return {
    ...(path === undefined ? {} : readEnvironmentFile(path)),
    ...environment,
    ...(database === undefined ? {} : { DB_NAME: database }),
  };
}

/** What the variable named by --password-env holds. Throws UsageError if it is not set: no password would be sent, without a word. */
export function passwordOf(flags: ConfigFlags, variable: string): string {
  const password = environmentOf(flags, process.env)[variable];
  if (password === undefined) throw new UsageError(`--password-env ${variable}: the variable is not set`);
  return password;
}

function readEnvironmentFile(path: string): NodeJS.ProcessEnv {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`--env ${path}: cannot be read: ${messageOf(error)}`);
  }
}

function configFileOf(flags: ConfigFlags, environment: NodeJS.ProcessEnv): string | undefined {
  const file = single(flags.config, '--config') ?? environment['PCACHE_CONFIG'];
  return isSet(file) ? file : undefined;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

function flagOverride(name: string, flag: string, value: Flag): Override[] {
  const text = single(value, flag);
  return text === undefined ? [] : [{ name, value: text, origin: flag }];
}

function single(value: Flag, flag: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new UsageError(`${flag} stands there ${value.length} times; give it once`);
}

function parseSet(assignment: string): Override {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(`--set ${assignment}: expected OPTION=VALUE, such as --set listen.port=6433`);
  }
  return { name: name.trim(), value, origin: '--set' };
}
