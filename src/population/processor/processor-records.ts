import type { PartitionKeyType } from '../../query/partition-key';

/** How keys of a type are computed and written by the database, beside the fragment. */
export interface FragmentForm {
  readonly datatype: PartitionKeyType;
  /** Of the fragment's column; of a domain what it is made of. */
  readonly typeOid: number;
  /** A query for the function evaluate, before and after the fragment. */
  readonly before: string;
  readonly after: string;
  /** What is given the query: sql/cache/queries/populate-entry.sql. */
  readonly populate: string;
}

export interface ProcessorKey {
  readonly name: string;
  readonly datatype: PartitionKeyType;
  /** The statement that says what an entry has seen; undefined where the data is promised not to change. */
  readonly stamp: string | undefined;
}

export interface ProcessorLimits {
  readonly maxJobs: number;
  /** Seconds between two looks at an empty queue. */
  readonly frequencyS: number;
  /** Of a fragment's run. */
  readonly timeoutS: number;
  readonly maxKeys: number;
  readonly maxBytes: number;
  readonly maxAttempts: number;
  readonly maxDead: number;
  readonly logDays: number;
  /** The share of time a worker runs fragments in; in the rest, it rests. */
  readonly duty: number;
}

/** All the database is told when the processor is set up. */
export interface ProcessorPlace {
  /** What the queue calls this database. */
  readonly source: string;
  readonly backend: string;
  readonly cacheChannel: string;
  readonly queueChannel: string;
  readonly limits: ProcessorLimits;
  /** Of every run, besides the fragment's own. */
  readonly settings: Readonly<Record<string, string>>;
  /** Those of the queue, by name. */
  readonly statements: Readonly<Record<string, string>>;
  readonly keys: readonly ProcessorKey[];
  readonly cronDatabase: string;
}

export type ProcessorChange = Partial<
  Pick<ProcessorLimits, 'maxJobs' | 'frequencyS' | 'timeoutS' | 'maxKeys' | 'logDays'>
> & { readonly isEnabled?: boolean; readonly cronDatabase?: string };

export interface ProcessorStatus {
  readonly isEnabled: boolean;
  readonly source: string;
  readonly backend: string;
  readonly maxJobs: number;
  readonly frequencyS: number;
  readonly timeoutS: number;
  readonly maxKeys: number;
  readonly logDays: number;
  readonly cronDatabase: string;
}

/** A session that works; those below slot 0 are of people. */
export interface ProcessorWorker {
  readonly slot: number;
  readonly pid: number;
  readonly done: number;
  readonly enteredAt: Date;
  readonly isAlive: boolean;
  readonly running:
    | {
        readonly partitionKey: string;
        readonly hash: string;
        readonly attempt: number;
        readonly seconds: number;
      }
    | undefined;
}

export interface ProcessorLogLine {
  readonly at: Date;
  readonly slot: number;
  /** ok, timeout, too_large, failed; retry, conflict: not the fragment's fault; known, failed before: not run; buried; lost: its session ended. */
  readonly status: string;
  readonly partitionKey: string | undefined;
  readonly hash: string | undefined;
  readonly keyCount: number | undefined;
  readonly ms: number | undefined;
  readonly message: string | undefined;
}

export interface ProcessorRuns {
  readonly partitionKey: string;
  readonly status: string;
  readonly runs: number;
  readonly averageMs: number;
  readonly longestMs: number;
  readonly keys: number;
}

export interface WaitingFragment {
  readonly partitionKey: string;
  readonly priority: number;
  readonly attempts: number;
  readonly queuedAt: Date;
  readonly query: string;
}
