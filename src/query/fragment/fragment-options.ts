/** What is learned from the queries of a partition key. None of it decides what an answer is, only what is known (rule S1). */
export interface FragmentOptions {
  /** Whether only tables that a condition connects are combined; otherwise any that have one. */
  readonly followGraph: boolean;
  /** Fewest tables of a fragment, the partition-join table among them. */
  readonly minComponentSize: number;
  /** Most tables of a fragment, likewise. */
  readonly maxComponentSize: number;
  /** Most fragments of one block: enumeration ends there, with the whole block and the smallest ones made first. */
  readonly maxFragments: number;
  /** Alias or name, with or without its schema, of the table that joins the others on the key; undefined: it is found. */
  readonly partitionJoinTable: string | undefined;
  /** Whether any table that only joins the others on the key is taken for it; tables named p0… are in any case. */
  readonly autoDetectPartitionJoin: boolean;
  /** A positive decimal number: constants that distances are compared with are widened to a multiple of it. undefined: they stay. */
  readonly bucketSteps: string | undefined;
  /** By table, as schema.table: a condition that fragments with the table are learned with as well. */
  readonly addConstraints: ReadonlyMap<string, string>;
  /** Columns: conditions that name one are in no fragment. */
  readonly removeConstraintsAll: readonly string[];
  /** Columns: fragments are learned without conditions that name one as well. */
  readonly removeConstraintsAdd: readonly string[];
  /** Whether the log tells of queries of the key's tables that cannot be restricted. */
  readonly warnNoPartitionKey: boolean;
  /** What is different for some tables, by schema.table. */
  readonly tables: ReadonlyMap<string, TableFragmentOptions>;
}

/** Options of one table. Absent: those of the key. */
export interface TableFragmentOptions {
  readonly bucketSteps?: string;
  readonly removeConstraintsAll?: readonly string[];
  readonly removeConstraintsAdd?: readonly string[];
}

export const defaultFragmentOptions: FragmentOptions = {
  followGraph: true,
  minComponentSize: 1,
  // A join of more tables takes PostgreSQL's planner longer than its keys are likely to save.
  maxComponentSize: 16,
  maxFragments: 32,
  partitionJoinTable: undefined,
  autoDetectPartitionJoin: true,
  bucketSteps: undefined,
  addConstraints: new Map(),
  removeConstraintsAll: [],
  removeConstraintsAdd: [],
  warnNoPartitionKey: true,
  tables: new Map(),
};

/** Of a step of the key's and one of its own, a table has its own; `0` of its own means none. */
export function bucketStepsOf(options: FragmentOptions, table: string): string | undefined {
  const own = options.tables.get(table)?.bucketSteps ?? options.bucketSteps;
  return own === '0' ? undefined : own;
}
