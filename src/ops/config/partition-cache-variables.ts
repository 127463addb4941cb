import type { OptionPath } from './option-path';

/**
 * An environment variable by the name that the Python library PartitionCache gives it, and the option it stands for here. It wins over the
 * file; a variable of our own (PCACHE_…) for the same option wins over it.
 */
export interface PartitionCacheVariable {
  readonly name: string;
  /** An earlier name of the library's; the newer one wins. */
  readonly formerName?: string;
  /** `*` stands for each database, or each partition key. */
  readonly path: OptionPath;
  /** Counts only for these backends. */
  readonly backends?: RegExp;
  /** Default: a number, true or false if it looks like one, else the text. */
  readonly reads?: 'text' | 'json' | 'opposite' | 'backend' | 'prefix' | 'the name of the variable';
}

const ofEachKey = (option: string): OptionPath => [
  'databases',
  '*',
  'partition_keys',
  '*',
  'fragments',
  option,
];
const passwordIn = 'the name of the variable' as const;
const queue = (option: string): OptionPath => ['queue', 'postgresql', option];
const tablePrefix = { path: ['cache', 'postgresql', 'table_prefix'], reads: 'prefix' } as const;
const path = { path: ['cache', 'path'], reads: 'text' } as const;
const bits = { path: ['cache', 'bits'] } as const;
const redisDatabase = { path: ['cache', 'redis', 'database'] } as const;

/** Those that stand for one option each; DB_*, REDIS_HOST and REDIS_PORT are in with-variables.ts. */
export const partitionCacheVariables: readonly PartitionCacheVariable[] = [
  { name: 'CACHE_BACKEND', path: ['cache', 'backend'], reads: 'backend' },
  { name: 'PG_ARRAY_CACHE_TABLE_PREFIX', ...tablePrefix, backends: /^postgresql_array$/ },
  { name: 'PG_BIT_CACHE_TABLE_PREFIX', ...tablePrefix, backends: /^postgresql_bit$/ },
  { name: 'PG_ROARINGBIT_CACHE_TABLE_PREFIX', ...tablePrefix, backends: /^postgresql_roaringbit$/ },
  { name: 'PG_BIT_CACHE_BITSIZE', ...bits, backends: /^postgresql_bit$/ },
  { name: 'QUERY_QUEUE_PROVIDER', path: ['queue', 'provider'], reads: 'text' },
  { name: 'PG_QUEUE_HOST', path: queue('host'), reads: 'text' },
  { name: 'PG_QUEUE_PORT', path: queue('port') },
  { name: 'PG_QUEUE_USER', path: queue('user'), reads: 'text' },
  { name: 'PG_QUEUE_PASSWORD', path: queue('password_env'), reads: passwordIn },
  { name: 'PG_QUEUE_DB', path: queue('database'), reads: 'text' },
  { name: 'PG_QUEUE_TABLE_PREFIX', path: ['queue', 'table_prefix'], reads: 'text' },
  { name: 'REDIS_PASSWORD', path: ['cache', 'redis', 'password_env'], reads: passwordIn },
  { name: 'REDIS_CACHE_DB', ...redisDatabase, backends: /^redis_(set|roaringbit)$/ },
  { name: 'REDIS_BIT_DB', ...redisDatabase, backends: /^redis_bit$/ },
  { name: 'REDIS_BIT_BITSIZE', ...bits, backends: /^redis_bit$/ },
  { name: 'ROCKSDB_PATH', ...path, backends: /^rocksdb_set$/ },
  { name: 'ROCKSDB_BIT_PATH', ...path, backends: /^rocksdb_bit$/ },
  { name: 'ROCKSDB_BIT_BITSIZE', ...bits, backends: /^rocksdb_bit$/ },
  { name: 'ROCKSDB_DICT_PATH', ...path, backends: /^rocksdict/ },
  { name: 'PARTITION_CACHE_MIN_COMPONENT_SIZE', path: ofEachKey('min_component_size') },
  { name: 'PARTITION_CACHE_MAX_COMPONENT_SIZE', path: ofEachKey('max_component_size') },
  { name: 'PARTITION_CACHE_FOLLOW_GRAPH', path: ofEachKey('follow_graph') },
  {
    name: 'PARTITION_CACHE_NO_AUTO_DETECT_PARTITION_JOIN',
    formerName: 'PARTITION_CACHE_NO_AUTO_DETECT_STAR_JOIN',
    path: ofEachKey('auto_detect_partition_join'),
    reads: 'opposite',
  },
  {
    name: 'PARTITION_CACHE_PARTITION_JOIN_TABLE',
    formerName: 'PARTITION_CACHE_STAR_JOIN_TABLE',
    path: ofEachKey('partition_join_table'),
    reads: 'text',
  },
  {
    name: 'PARTITION_CACHE_NO_WARN_PARTITION_KEY',
    path: ofEachKey('warn_no_partition_key'),
    reads: 'opposite',
  },
  { name: 'PARTITION_CACHE_BUCKET_STEPS', path: ofEachKey('bucket_steps') },
  { name: 'PARTITION_CACHE_ADD_CONSTRAINTS', path: ofEachKey('add_constraints'), reads: 'json' },
  {
    name: 'PARTITION_CACHE_REMOVE_CONSTRAINTS_ALL',
    path: ofEachKey('remove_constraints_all'),
    reads: 'json',
  },
  {
    name: 'PARTITION_CACHE_REMOVE_CONSTRAINTS_ADD',
    path: ofEachKey('remove_constraints_add'),
    reads: 'json',
  },
];

/** What names the database where there is no file to do so. */
export const databaseVariables = ['DB_HOST', 'DB_PORT', 'DB_USER', 'DB_PASSWORD', 'DB_NAME'] as const;

/** Every variable of that library that means something here, former names too. */
export const partitionCacheVariableNames: readonly string[] = [
  ...databaseVariables,
  'REDIS_HOST',
  'REDIS_PORT',
  ...partitionCacheVariables.flatMap(({ name, formerName }) =>
    formerName === undefined ? [name] : [name, formerName],
  ),
];
