import type { Argv } from 'yargs';
import { parseTableName } from '../ops/config/identifier';
import type { PartitionKeyConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { FragmentOptions } from '../query/fragment/fragment-options';
import { integerOf, numberOf } from './number-flag';
import { UsageError } from './usage-error';
import { unknownName } from './unknown-name';

/** Options that stand for those of `fragments` of each partition key; what is not said is as the configuration has it. */
export interface FragmentFlags {
  readonly 'bucket-steps': string | undefined;
  readonly 'min-component-size': string | undefined;
  readonly 'max-component-size': string | undefined;
  readonly 'follow-graph'?: boolean | undefined;
  readonly 'no-follow-graph'?: boolean | undefined;
  readonly 'partition-join-table': string | undefined;
  readonly 'no-auto-detect-partition-join'?: boolean | undefined;
  readonly 'no-warn-partition-key'?: boolean | undefined;
  readonly 'add-constraint': readonly string[] | undefined;
  readonly 'add-constraints'?: string | undefined;
  readonly 'remove-constraints-all': readonly string[] | undefined;
  readonly 'remove-constraints-add': readonly string[] | undefined;
}

/** As the configuration has it. */
const mostTables = 16;

const fragmentFlagNames = [
  ...([
    'bucket-steps',
    'min-component-size',
    'max-component-size',
    'follow-graph',
    'no-follow-graph',
  ] as const),
  ...([
    'partition-join-table',
    'no-auto-detect-partition-join',
    'add-constraint',
    'add-constraints',
  ] as const),
  ...(['remove-constraints-all', 'remove-constraints-add'] as const),
];

export function withFragmentFlags<T>(argv: Argv<T>): Argv<T & FragmentFlags> {
  const value = { type: 'string', requiresArg: true } as const;
  const list = { type: 'string', array: true, nargs: 1 } as const;
  const flag = { type: 'boolean' } as const;
  return argv
    .option('bucket-steps', {
      ...value,
      describe:
        'As fragments.bucket_steps of each key; so the following [environment: PARTITION_CACHE_BUCKET_STEPS and so on]',
    })
    .option('min-component-size', { ...value, describe: 'As fragments.min_component_size' })
    .option('max-component-size', { ...value, describe: 'As fragments.max_component_size' })
    .option('follow-graph', { ...flag, describe: 'Combine only tables that a condition connects' })
    .option('no-follow-graph', { ...flag, describe: 'Combine any tables', conflicts: 'follow-graph' })
    .option('partition-join-table', {
      ...value,
      alias: 'star-join-table',
      describe: 'As fragments.partition_join_table',
    })
    .option('no-auto-detect-partition-join', {
      ...flag,
      alias: 'no-auto-detect-star-join',
      describe: 'Take no table for the partition-join table that is not named',
    })
    .option('no-warn-partition-key', {
      ...flag,
      describe: 'Say nothing of statements that cannot be restricted by the key',
    })
    .option('add-constraint', {
      ...list,
      describe: 'SCHEMA.TABLE=CONDITION, as in fragments.add_constraints; may be repeated',
    })
    .option('add-constraints', {
      ...value,
      describe: 'The same for several: a JSON object, {"TABLE": "CONDITION"}',
    })
    .option('remove-constraints-all', {
      ...list,
      describe: 'A column, or a JSON array of them, as in fragments.remove_constraints_all; may be repeated',
    })
    .option('remove-constraints-add', {
      ...list,
      describe: 'The same for fragments.remove_constraints_add',
    })
    .group(
      [
        ...['bucket-steps', 'min-component-size', 'max-component-size', 'follow-graph', 'no-follow-graph'],
        ...[
          'partition-join-table',
          'no-auto-detect-partition-join',
          'no-warn-partition-key',
          'add-constraint',
        ],
        ...['add-constraints', 'remove-constraints-all', 'remove-constraints-add'],
      ],
      'Fragments:',
    );
}

/** The names of those that are given, but for the one that is about warnings. */
export function givenFragmentFlags(flags: FragmentFlags): string[] {
  return fragmentFlagNames.filter((name) => flags[name] !== undefined && flags[name] !== false);
}

/** The configuration with these options for each key. Throws UsageError. */
export function configWithFragmentFlags(config: PcacheConfig, flags: FragmentFlags): PcacheConfig {
  checkTables(config, flags);
  return eachKey(config, (key) => ({ ...key, fragments: fragmentOptions(key, flags) }));
}

/** The configuration with each partition key replaced. */
export function eachKey(
  config: PcacheConfig,
  replaced: (key: PartitionKeyConfig) => PartitionKeyConfig,
): PcacheConfig {
  const databases = [...config.databases].map(([name, database]) => {
    const keys = [...database.partitionKeys].map(([key, value]) => [key, replaced(value)] as const);
    return [name, { ...database, partitionKeys: new Map(keys) }] as const;
  });
  return { ...config, databases: new Map(databases) };
}

/** A condition on a table that no key has would add nothing, without a word. Throws UsageError. */
function checkTables(config: PcacheConfig, flags: FragmentFlags): void {
  const keys = [...config.databases.values()].flatMap(({ partitionKeys }) => [...partitionKeys.values()]);
  const known = [...new Set(keys.flatMap(({ tables }) => [...tables.keys()]))];
  const named = [
    ...(flags['add-constraint'] ?? []).map((text) => constraintOf(text)[0]),
    ...Object.keys(constraintsObject(flags['add-constraints'])),
  ];
  for (const name of named)
    if (tableOf(name, known) === undefined)
      throw new UsageError(`--add-constraint: ${unknownName('table', name, 'with a partition key', known)}`);
}

function tableOf(written: string, tables: readonly string[]): string | undefined {
  return tables.find((name) => name === written || name.endsWith(`.${written}`));
}

function fragmentOptions({ fragments, tables }: PartitionKeyConfig, flags: FragmentFlags): FragmentOptions {
  const steps = numberOf(flags, 'bucket-steps', 0, Number.MAX_SAFE_INTEGER);
  const added = [
    ...(flags['add-constraint'] ?? []).map(constraintOf),
    ...constraintsOf(flags['add-constraints'], [...tables.keys()]),
  ];
  const minComponentSize =
    integerOf(flags, 'min-component-size', 1, mostTables) ?? fragments.minComponentSize;
  const maxComponentSize =
    integerOf(flags, 'max-component-size', 1, mostTables) ?? fragments.maxComponentSize;
  if (minComponentSize > maxComponentSize)
    throw new UsageError(
      `--min-component-size ${minComponentSize} is above --max-component-size ${maxComponentSize}: there would be no fragment`,
    );
  return {
    ...fragments,
    bucketSteps: steps === undefined ? fragments.bucketSteps : steps === 0 ? undefined : String(steps),
    minComponentSize,
    maxComponentSize,
    followGraph:
      flags['follow-graph'] === true || (flags['no-follow-graph'] !== true && fragments.followGraph),
    partitionJoinTable: flags['partition-join-table'] ?? fragments.partitionJoinTable,
    autoDetectPartitionJoin:
      flags['no-auto-detect-partition-join'] === true ? false : fragments.autoDetectPartitionJoin,
    warnNoPartitionKey: flags['no-warn-partition-key'] === true ? false : fragments.warnNoPartitionKey,
    addConstraints: new Map([...fragments.addConstraints, ...added]),
    removeConstraintsAll: columnsOf(flags, 'remove-constraints-all') ?? fragments.removeConstraintsAll,
    removeConstraintsAdd: columnsOf(flags, 'remove-constraints-add') ?? fragments.removeConstraintsAdd,
  };
}

function constraintOf(text: string): [string, string] {
  const [, written = '', condition = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const table = parseTableName(written.trim());
  if (!table.ok || condition === '')
    throw new UsageError(`--add-constraint ${text}: expected SCHEMA.TABLE=CONDITION`);
  return [`${table.schema}.${table.name}`, condition];
}

/** Tables without a schema are those of the key; of other keys' tables nothing is added here. */
function constraintsOf(text: string | undefined, tables: readonly string[]): [string, string][] {
  return Object.entries(constraintsObject(text)).flatMap(([written, condition]): [string, string][] => {
    const table = tableOf(written, tables);
    return table === undefined ? [] : [[table, String(condition)]];
  });
}

function constraintsObject(text: string | undefined): object {
  if (text === undefined) return {};
  const parsed = jsonOf(text);
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new UsageError(`--add-constraints ${text}: expected a JSON object, such as {"place": "kind = 1"}`);
}

function columnsOf(
  flags: FragmentFlags,
  name: 'remove-constraints-all' | 'remove-constraints-add',
): readonly string[] | undefined {
  return flags[name]?.flatMap((text) => {
    if (!text.trimStart().startsWith('[')) return [text];
    const parsed = jsonOf(text);
    if (Array.isArray(parsed)) return parsed.map(String);
    throw new UsageError(`--${name} ${text}: expected a column, or a JSON array of columns`);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
