import type { Argv } from 'yargs';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { configWithFragmentFlags, type FragmentFlags, withFragmentFlags } from '../fragment-flags';
import { type KeyFlags, withKeyFlags } from '../key-flags';
import { integerOf, numberOf } from '../number-flag';
import type { ObserverChoices } from './compose-observer';

/** The options of `pcache observer`; what is not said is as the configuration has it. */
export interface ObserverFlags extends ConfigFlags, KeyFlags, FragmentFlags {
  readonly 'max-processes': string | undefined;
  readonly 'max-pending-jobs': string | undefined;
  readonly 'long-running-query-timeout': string | undefined;
  readonly limit: string | undefined;
  readonly 'status-log-interval': string;
  readonly 'force-recalculate': boolean;
  readonly 'new-keys-only': boolean;
  readonly 'log-query-times': string | undefined;
  readonly 'disable-optimized-polling': boolean;
  readonly 'admin-port': string | undefined;
}

export function withObserverFlags<T>(argv: Argv<T>): Argv<T & ObserverFlags> {
  const value = { type: 'string', requiresArg: true } as const;
  return withFragmentFlags(withKeyFlags(withConfigFlags(argv)))
    .option('max-processes', {
      ...value,
      describe: 'Fragments that run at the same time, for each database [default: population.concurrency]',
    })
    .option('max-pending-jobs', {
      ...value,
      describe: 'While more fragments wait, statements of the first tier are left there [default: no limit]',
    })
    .option('long-running-query-timeout', {
      ...value,
      describe: 'Seconds after which a fragment is cancelled [default: population.timeout_ms]',
    })
    .option('limit', {
      ...value,
      describe: 'A fragment that returns more keys is not kept [default: population.max_keys]',
    })
    .option('status-log-interval', {
      ...value,
      default: '10',
      describe: 'Seconds between two lines on how it goes; 0: none',
    })
    .option('force-recalculate', {
      type: 'boolean',
      default: false,
      describe: 'Run fragments although their keys are known, or have just failed to be found',
    })
    .option('new-keys-only', {
      type: 'boolean',
      default: false,
      describe: 'Run fragments whose keys are known for those they have not yet; what is known stays',
    })
    .option('log-query-times', { ...value, describe: 'CSV file that each run is added to' })
    .option('disable-optimized-polling', {
      type: 'boolean',
      default: false,
      describe: 'Ask for work twice a second instead of being told of it',
    })
    .option('admin-port', { ...value, describe: 'Port of /metrics, /healthz and /readyz [default: none]' });
}

/** The configuration as an observer with these options works by it. Throws UsageError. */
export function observerConfig(config: PcacheConfig, flags: ObserverFlags): PcacheConfig {
  const { population, queue } = config;
  const seconds = numberOf(flags, 'long-running-query-timeout', 0.001, 2_147_483);
  return {
    ...configWithFragmentFlags(config, flags),
    population: {
      ...population,
      runBy: population.runBy === 'database' ? 'database' : 'observer',
      concurrency: integerOf(flags, 'max-processes', 1, 64) ?? population.concurrency,
      timeoutMs: seconds === undefined ? population.timeoutMs : Math.ceil(seconds * 1_000),
      maxKeys: integerOf(flags, 'limit', 1, 100_000_000) ?? population.maxKeys,
    },
    queue: { ...queue, isListening: queue.isListening && !flags['disable-optimized-polling'] },
  };
}

/** What these options say of an observer that no configuration does. Throws UsageError. */
export function observerChoices(flags: ObserverFlags): Omit<ObserverChoices, 'onFinished'> {
  const maxPending = integerOf(flags, 'max-pending-jobs', 0, 1_000_000_000);
  return {
    isForced: flags['force-recalculate'] || flags['new-keys-only'],
    isForNewKeys: flags['new-keys-only'],
    ...(maxPending === undefined ? {} : { maxPending }),
    adminPort: integerOf(flags, 'admin-port', 0, 65_535),
  };
}
