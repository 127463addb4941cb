import type { CacheBackend } from '../cache/cache-backend';
import type { FailedEntry } from './explain/explanation';
import type { Fragment } from '../query/fragment/fragment';
import type { PartitionKey } from '../query/partition-key';
import type { MethodChoice } from '../query/rewrite/method';
import type { CatalogKeeper } from './catalog-keeper';
import type { EngineEvents, EngineLog } from './engine-events';
import type { ReadChangedKeys } from './guards';
import type { ShapeChecker } from './shape-checker';
import type { StatementLogOptions } from './statement-log';
import type { ShapeStatistics } from './statistics/shape-statistics';
import type { VerificationOptions } from './verification/verification';

export interface TrackedKey extends PartitionKey {
  /** Share of all keys beyond which a key set is not used: reading almost everything is not worth a restriction. */
  readonly maxKeyShare: number;
  /** How its keys are put into statements; by default `auto`. */
  readonly method?: MethodChoice;
}

/** What an engine works with, and on what terms. */
export interface DatabaseEngineOptions {
  readonly mode: 'on' | 'observe' | 'off';
  readonly partitionKeys: readonly TrackedKey[];
  readonly backend: CacheBackend;
  /** The lowest key of the data, as far as it is known at once; asked where the backend has room for some integers only. */
  readonly lowestKey?: (key: PartitionKey) => Promise<bigint | undefined>;
  readonly catalog: CatalogKeeper;
  readonly shapes: ShapeChecker;
  /** Text of sql/queries/session-context.sql. */
  readonly contextQuery: string;
  /** Statements that took longer are learned from, in milliseconds. */
  readonly minQueryMs: number;
  /** How long a statement waits for key sets that are not in memory, in milliseconds. */
  readonly fetchMs: number;
  /** Memory for key sets, in bytes. */
  readonly memoryBytes: number;
  readonly learn: (fragments: readonly Fragment[], weight: number) => void;
  /** Keys that have changed since they were read, where that is logged. */
  readonly changedKeys?: ReadChangedKeys;
  /** When a fragment whose last run did not end ok is tried again, in milliseconds since 1970; for explanation. */
  readonly retryAt?: (entry: FailedEntry) => number | undefined;
  /** Present for `mode: verify`. */
  readonly verification?: VerificationOptions;
  /** Where it is noted how statements fare, if that is to outlive the engine. */
  readonly statistics?: ShapeStatistics;
  readonly events: EngineEvents;
  /** Default: none are written to the log. */
  readonly statementLog?: StatementLogOptions;
  readonly log: EngineLog;
}
