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
export type { SessionContext } from './engine/session-context';
export { CacheUnavailableError } from './errors/cache-unavailable-error';
export { ConfigError, type ConfigProblem } from './errors/config-error';
export { StartError } from './errors/start-error';
export { listConfigOptions, type ConfigOption } from './ops/config/config-options';
export type { PcacheConfig } from './ops/config/pcache-config';
export { readConfig, readConfigFile } from './ops/config/read-config';
export type { Fragment, FragmentHash } from './query/fragment/fragment';
export { partitionKeyTypes, type PartitionKey, type PartitionKeyType } from './query/partition-key';
