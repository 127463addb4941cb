/**
 * What is learned from queries (README, "What is learned from a query"). The names with starJoin are those that options had in the
 * Python library before; one of an old and a new name that say the same, not both.
 */
export interface FragmentSettings {
  /** Combine only tables that a condition connects. Default: true. */
  readonly followGraph?: boolean;
  /** Fewest tables of a fragment, the partition-join table among them. Default: 1. */
  readonly minComponentSize?: number;
  /** Most tables of a fragment. Default: 16. */
  readonly maxComponentSize?: number;
  /** Most fragments of one block. Default: 32. */
  readonly maxFragments?: number;
  /** The table that only joins the others on the key, by alias or name, where it is not found by itself. */
  readonly partitionJoinTable?: string;
  /** Default: true. */
  readonly autoDetectPartitionJoin?: boolean;
  /** Distances are widened to a multiple of it; 0: they stay. Default: 0. */
  readonly bucketSteps?: number;
  /** By schema.table: a condition that fragments are learned with as well. */
  readonly addConstraints?: Readonly<Record<string, string>>;
  /** Columns: conditions that name one are in no fragment. */
  readonly removeConstraintsAll?: readonly string[];
  /** Columns: fragments are learned without conditions that name one as well. */
  readonly removeConstraintsAdd?: readonly string[];
  /** Say in the helper's `log`, if it has one, that a query cannot be restricted by the key, and its columns. Default: true. */
  readonly warnNoPartitionKey?: boolean;

  /** Old name of partitionJoinTable. */
  readonly starJoinTable?: string;
  /** Old name of autoDetectPartitionJoin. */
  readonly autoDetectStarJoin?: boolean;
  /** The opposite of autoDetectPartitionJoin. */
  readonly noAutoDetectPartitionJoin?: boolean;
  /** Old name of noAutoDetectPartitionJoin. */
  readonly noAutoDetectStarJoin?: boolean;
  /** The opposite of warnNoPartitionKey. */
  readonly noWarnPartitionKey?: boolean;
}

const names = [
  'followGraph',
  'minComponentSize',
  'maxComponentSize',
  'maxFragments',
  'partitionJoinTable',
  'autoDetectPartitionJoin',
  'bucketSteps',
  'addConstraints',
  'removeConstraintsAll',
  'removeConstraintsAdd',
  'warnNoPartitionKey',
  'starJoinTable',
  'autoDetectStarJoin',
  'noAutoDetectPartitionJoin',
  'noAutoDetectStarJoin',
  'noWarnPartitionKey',
] as const satisfies readonly (keyof FragmentSettings)[];

/** The settings of an object that may have others as well, under the names of the configuration file. */
export function underFileNames(settings: FragmentSettings): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    names.flatMap((name) =>
      settings[name] === undefined
        ? []
        : [[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), settings[name]] as const],
    ),
  );
}
