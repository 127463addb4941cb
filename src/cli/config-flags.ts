import type { Argv } from 'yargs';
import type { ConfigSources } from '../ops/config/check-config';
import type { Override } from '../ops/config/config-overrides';
import { UsageError } from './usage-error';

/** The options of every command that reads a configuration, as yargs leaves them: repeated ones become arrays. */
export interface ConfigFlags {
  readonly config: string | readonly string[] | undefined;
  readonly mode: string | readonly string[] | undefined;
  readonly 'log-level': string | readonly string[] | undefined;
  readonly set: readonly string[] | undefined;
}

/** Declares them. Flags win over the environment, which wins over the file, which wins over the defaults. */
export function withConfigFlags<T>(argv: Argv<T>): Argv<T & ConfigFlags> {
  return argv
    .option('config', {
      alias: 'c',
      type: 'string',
      requiresArg: true,
      describe: 'Configuration file, - for standard input [environment: PCACHE_CONFIG]',
    })
    .option('mode', {
      type: 'string',
      requiresArg: true,
      describe:
        'on, verify, observe or off [environment: PCACHE_MODE] [default: what the file says, else on]',
    })
    .option('log-level', {
      type: 'string',
      requiresArg: true,
      describe: 'silent to trace [environment: PCACHE_LOG_LEVEL] [default: what the file says, else info]',
    })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe:
        'Any option outside databases, as --set listen.port=6433; may be repeated ' +
        '[environment: PCACHE_LISTEN_PORT and so on]',
    });
}

export interface NamedConfig {
  readonly file: string;
  readonly sources: Omit<ConfigSources, 'source'>;
}

/** Which file to read, and what stands above it. Throws UsageError. */
export function readConfigFlags(flags: ConfigFlags, environment: NodeJS.ProcessEnv): NamedConfig {
  const file = single(flags.config, '--config') ?? environment['PCACHE_CONFIG'];
  if (file === undefined || file === '') {
    throw new UsageError(
      'no configuration: name its file with --config FILE or in the variable PCACHE_CONFIG',
    );
  }
  const overrides = [
    ...(flags.set ?? []).map(parseSet),
    ...flagOverride('mode', '--mode', flags.mode),
    ...flagOverride('log.level', '--log-level', flags['log-level']),
  ];
  return { file, sources: { environment, workingDirectory: process.cwd(), flags: overrides } };
}

function flagOverride(name: string, flag: string, value: ConfigFlags['mode']): Override[] {
  const text = single(value, flag);
  return text === undefined ? [] : [{ name, value: text, origin: flag }];
}

function single(value: string | readonly string[] | undefined, flag: string): string | undefined {
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
