import { readFileSync } from 'node:fs';
import { ConfigError } from '../../errors/config-error';
import { messageOf } from '../../errors/message-of';
import { buildConfig } from './build-config';
import { checkConfig, type ConfigSources } from './check-config';
import type { PcacheConfig } from './pcache-config';

/** The configuration in a YAML text; throws ConfigError with every problem there is. */
export function readConfig(text: string, sources: ConfigSources): PcacheConfig {
  const { file, passwords, notices } = checkConfig(text, sources);
  return buildConfig(file, passwords, { ...sources, notices });
}

/** As readConfig, with the text of a file; `-` is the process's standard input. undefined: the environment says it all. */
export function readConfigFile(
  file: string | undefined,
  sources: Omit<ConfigSources, 'source'>,
): PcacheConfig {
  return readConfig(...configText(file, sources));
}

/** The text of a file, and what stands above it. Throws ConfigError if there is none to be had. */
export function configText(
  file: string | undefined,
  sources: Omit<ConfigSources, 'source'>,
): [text: string, sources: ConfigSources] {
  if (file !== undefined) return [readConfigText(file), { ...sources, source: file }];
  return ['', { withoutFile: { partitionKeys: {} }, ...sources, source: 'the environment' }];
}

function readConfigText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const reason = messageOf(error);
    throw new ConfigError(file, [{ path: '(file)', message: `cannot be read: ${reason}` }]);
  }
}
