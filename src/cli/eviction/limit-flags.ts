import type { Argv } from 'yargs';
import { evictionStrategies } from '../../cache/eviction/eviction-policy';
import type { Override } from '../../ops/config/config-overrides';
import { readConfigFile } from '../../ops/config/read-config';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import { type ConfigFlags, readConfigFlags } from '../config-flags';

/** Flags that stand for options of the section `eviction`. */
export const limitFlagNames = [
  'strategy',
  'max-age-days',
  'max-entries',
  'max-bytes',
  'max-entries-per-key',
  'max-bytes-per-key',
] as const;
export type LimitFlags = Readonly<Record<(typeof limitFlagNames)[number], string | undefined>>;

export function withLimitFlags<T>(argv: Argv<T>, otherwise: string): Argv<T & LimitFlags> {
  const value = { type: 'string', requiresArg: true } as const;
  return argv
    .option('strategy', {
      ...value,
      choices: evictionStrategies,
      describe: `What goes first [default: ${otherwise}; so the following]`,
    })
    .option('max-age-days', { ...value, describe: 'What was not used for so many days goes; 0: no limit' })
    .option('max-entries', { ...value, describe: 'Entries of all partition keys together; 0: no limit' })
    .option('max-bytes', { ...value, describe: 'Bytes of all partition keys together; 0: no limit' })
    .option('max-entries-per-key', { ...value, describe: 'Entries of each partition key; 0: no limit' })
    .option('max-bytes-per-key', { ...value, describe: 'Bytes of each partition key; 0: no limit' });
}

/** The configuration with flags put over its section `eviction`, checked like the rest of it. */
export function configWithLimits(flags: ConfigFlags & Partial<LimitFlags>): PcacheConfig {
  const { file, sources } = readConfigFlags(flags, process.env);
  const overrides = limitFlagNames.flatMap((name): Override[] => {
    const value = flags[name];
    if (value === undefined) return [];
    return [{ name: `eviction.${name.replaceAll('-', '_')}`, value, origin: `--${name}` }];
  });
  return readConfigFile(file, { ...sources, flags: [...(sources.flags ?? []), ...overrides] });
}
