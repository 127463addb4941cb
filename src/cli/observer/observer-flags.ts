import type { Argv } from 'yargs';
import type { PartitionKeyConfig, PcacheConfig } from '../../ops/config/pcache-config';
import { parseTableName } from '../../ops/config/identifier';
import type { FragmentOptions } from '../../query/fragment/fragment-options';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { UsageError } from '../usage-error';
import type { ObserverChoices } from './compose-observer';

/** The options of `pcache observer`; what is not said is as the configuration has it. */
export interface ObserverFlags extends ConfigFlags {
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
  readonly 'bucket-steps': string | undefined;
  readonly 'min-component-size': string | undefined;
  readonly 'max-component-size': string | undefined;
  readonly 'partition-join-table': string | undefined;
  readonly 'add-constraint': readonly string[] | undefined;
  readonly 'remove-constraints-all': readonly string[] | undefined;
  readonly 'remove-constraints-add': readonly string[] | undefined;
}

export function withObserverFlags<T>(argv: Argv<T>): Argv<T & ObserverFlags> {
  const value = { type: 'string', requiresArg: true } as const;
  const list = { type: 'string', array: true, nargs: 1 } as const;
  return withConfigFlags(argv)
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
    .option('admin-port', { ...value, describe: 'Port of /metrics, /healthz and /readyz [default: none]' })
    .option('bucket-steps', {
      ...value,
      describe: 'As fragments.bucket_steps of each key, for statements of the first tier; so the following',
    })
    .option('min-component-size', { ...value, describe: 'As fragments.min_component_size' })
    .option('max-component-size', { ...value, describe: 'As fragments.max_component_size' })
    .option('partition-join-table', { ...value, describe: 'As fragments.partition_join_table' })
    .option('add-constraint', {
      ...list,
      describe: 'SCHEMA.TABLE=CONDITION, as in fragments.add_constraints; may be repeated',
    })
    .option('remove-constraints-all', {
      ...list,
      describe: 'A column, as in fragments.remove_constraints_all; may be repeated',
    })
    .option('remove-constraints-add', {
      ...list,
      describe: 'A column, as in fragments.remove_constraints_add; may be repeated',
    });
}

/** The configuration as an observer with these options works by it. Throws UsageError. */
export function observerConfig(config: PcacheConfig, flags: ObserverFlags): PcacheConfig {
  const { population, queue } = config;
  const seconds = numberOf(flags, 'long-running-query-timeout', 0.001, 2_147_483);
  return {
    ...config,
    population: {
      ...population,
      runBy: population.runBy === 'database' ? 'database' : 'observer',
      concurrency: integerOf(flags, 'max-processes', 1, 64) ?? population.concurrency,
      timeoutMs: seconds === undefined ? population.timeoutMs : Math.ceil(seconds * 1_000),
      maxKeys: integerOf(flags, 'limit', 1, 100_000_000) ?? population.maxKeys,
    },
    queue: { ...queue, isListening: queue.isListening && !flags['disable-optimized-polling'] },
    databases: new Map(
      [...config.databases].map(([name, database]) => {
        const keys = [...database.partitionKeys].map(
          ([key, value]) => [key, withFragmentFlags(value, flags)] as const,
        );
        return [name, { ...database, partitionKeys: new Map(keys) }] as const;
      }),
    ),
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

function withFragmentFlags(key: PartitionKeyConfig, flags: ObserverFlags): PartitionKeyConfig {
  const { fragments } = key;
  const steps = numberOf(flags, 'bucket-steps', 0, Number.MAX_SAFE_INTEGER);
  const changed: FragmentOptions = {
    ...fragments,
    bucketSteps: steps === undefined ? fragments.bucketSteps : steps === 0 ? undefined : String(steps),
    minComponentSize: integerOf(flags, 'min-component-size', 1, 64) ?? fragments.minComponentSize,
    maxComponentSize: integerOf(flags, 'max-component-size', 1, 64) ?? fragments.maxComponentSize,
    partitionJoinTable: flags['partition-join-table'] ?? fragments.partitionJoinTable,
    addConstraints: new Map([
      ...fragments.addConstraints,
      ...(flags['add-constraint'] ?? []).map(constraintOf),
    ]),
    removeConstraintsAll: flags['remove-constraints-all'] ?? fragments.removeConstraintsAll,
    removeConstraintsAdd: flags['remove-constraints-add'] ?? fragments.removeConstraintsAdd,
  };
  return { ...key, fragments: changed };
}

function constraintOf(text: string): [string, string] {
  const [, written = '', condition = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const table = parseTableName(written.trim());
  if (!table.ok || condition === '')
    throw new UsageError(`--add-constraint ${text}: expected SCHEMA.TABLE=CONDITION`);
  return [`${table.schema}.${table.name}`, condition];
}

type NumberFlag =
  | 'max-processes'
  | 'max-pending-jobs'
  | 'long-running-query-timeout'
  | 'limit'
  | 'status-log-interval'
  | 'admin-port'
  | 'bucket-steps'
  | 'min-component-size'
  | 'max-component-size';

/** undefined if it is not given. Throws UsageError. */
export function numberOf(
  flags: ObserverFlags,
  name: NumberFlag,
  min: number,
  max: number,
): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (typeof text === 'string' && text.trim() !== '' && value >= min && value <= max) return value;
  throw new UsageError(`--${name} ${text}: expected a number from ${min} to ${max}`);
}

/** The same for whole numbers. */
function integerOf(flags: ObserverFlags, name: NumberFlag, min: number, max: number): number | undefined {
  const value = numberOf(flags, name, min, max);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new UsageError(`--${name} ${value}: expected a whole number from ${min} to ${max}`);
}
