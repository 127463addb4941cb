/**
 * The library's public face. What stands here is what a program that embeds pcache may rely on; everything else under
 * src/ may change from one version to the next.
 */
export type { CacheBackend, CacheEntry, EntryDescription, EntryStatus } from './cache/cache-backend';
export {
  type CacheType,
  type CacheTypeDescription,
  describeCacheTypes,
  listCacheTypes,
} from './cache/cache-types';
export type { KeySet } from './cache/key-set';
export type { Engine, Plan, PlanRequest } from './engine/engine';
export type { Explanation } from './engine/explain/explanation';
export type { SessionContext } from './engine/session-context';
export { CacheUnavailableError } from './errors/cache-unavailable-error';
export { ClosedHelperError } from './errors/closed-helper-error';
export { ConfigError, type ConfigProblem } from './errors/config-error';
export { DatatypeMismatchError } from './errors/datatype-mismatch-error';
export { InexactEntryError } from './errors/inexact-entry-error';
export { KeyOutOfRangeError } from './errors/key-out-of-range-error';
export { NotInPlaceError } from './errors/not-in-place-error';
export { QueueUnavailableError } from './errors/queue-unavailable-error';
export { StartError } from './errors/start-error';
export { UnconnectedHelperError } from './errors/unconnected-helper-error';
export { UnknownFragmentError } from './errors/unknown-fragment-error';
export { type AppliedCache, applyCache, type ApplyOptions, type CacheStats } from './library/apply-cache';
export { applyCacheLazy, type LazilyAppliedCache } from './library/apply-cache-lazy';
export {
  type CacheHandler,
  type CacheHelper,
  type EntryKey,
  type IntersectedKeys,
  type UnderlyingHandler,
} from './library/cache-helper';
export { cleanQuery } from './library/clean-query';
export type { ConnectionInput, ConnectionParameters, PoolLike, TlsParameters } from './library/connection';
export { createCacheHelper } from './library/create-cache-helper';
export { type ExtendOptions, extendQueryWithPartitionKeys } from './library/extend-query';
export { type ExtendLazyOptions, extendQueryWithPartitionKeysLazy } from './library/extend-query-lazy';
export type { ExtendedQuery } from './library/extended-query';
export type { FragmentSettings } from './library/fragment-settings';
export { generateAllHashes, generateAllQueryHashPairs, type QueryHashPair } from './library/generate-hashes';
export {
  type FoundKeys,
  getPartitionKeys,
  type KeysOptions,
  type KnownOfQuery,
} from './library/get-partition-keys';
export { getPartitionKeysLazy, type LazyKeysOfQuery } from './library/get-partition-keys-lazy';
export type { CacheHelperOptions } from './library/helper-options';
export type { KeyInput } from './library/key-input';
export type { MethodName } from './library/method-name';
export { type KeysInput, PartitionKeys } from './library/partition-keys';
export {
  type PopulatedFragment,
  populate,
  populateFragments,
  type PopulateOptions,
  type RunOptions,
} from './library/populate';
export {
  mysqlSource,
  type MysqlSourceOptions,
  type PopulationSource,
  postgresqlSource,
  sqliteSource,
  type SqliteSourceOptions,
} from './library/population-source';
export type { QueryOptions, RestrictOptions } from './library/query-options';
export {
  getQueueLengths,
  type LengthsOfQueues,
  popFromOriginalQueryQueue,
  popFromOriginalQueryQueueBlocking,
  popFromQueryFragmentQueue,
  popFromQueryFragmentQueueBlocking,
  type PoppedItem,
  type PushFragmentsOptions,
  type PushQueryOptions,
  pushToOriginalQueryQueue,
  pushToQueryFragmentQueue,
} from './library/queues';
export type { Session } from './library/session';
export { listConfigOptions, type ConfigOption } from './ops/config/config-options';
export type { PcacheConfig } from './ops/config/pcache-config';
export { readConfig, readConfigFile } from './ops/config/read-config';
export type { Fragment, FragmentHash } from './query/fragment/fragment';
export {
  partitionKeyTypes,
  type PartitionKey,
  type PartitionKeyType,
  type PartitionValue,
} from './query/partition-key';
