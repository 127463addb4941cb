import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as library from '../../../src';
import { CacheHelper } from '../../../src/library/cache-helper';

/**
 * What the documents of PartitionCache, the Python library, show of its functions: each line of code, and the test that shows that it does here
 * what it says there. The lines of its command line are in test/integration/cli/seed-lines.test.ts.
 */
const project = join(__dirname, '../../..');
const queries = 'test/integration/library/queries.test.ts';
const stores = 'test/integration/library/stores.test.ts';
const lazy = 'test/integration/library/lazy.test.ts';

const lazily = 'applyCacheLazy: the same rows, and no key in the text';
const taken = 'getPartitionKeys gives what extendQueryWithPartitionKeys takes';
const byMethod = 'restricts by method %s, twice in one session';
const inPostgresql = 'in PostgreSQL, set up by the way; two of one key see each other';
const inRocksdb = 'several partition keys in one directory of RocksDB';
const byName = 'a set, what is in it, and what is not';
const settings = 'are those that %j says';

/** line, and the tests that show it: file and title. */
const lines: readonly (readonly [line: string, ...tests: (readonly [file: string, title: string])[]])[] = [
  ['create_cache_helper("postgresql_array", "user_id", "integer")', [stores, inPostgresql]],
  ['create_cache_helper("postgresql_bit", "user_id", "integer")', [lazy, 'bit sets; and columns of']],
  ['create_cache_helper("redis_set", "session_id", "text")', [stores, 'Redis, and a copy in MariaDB']],
  ['create_cache_helper("rocksdict", "coordinates", "float")', [stores, inRocksdb]],
  [
    'create_cache_helper("postgresql_array", "region", "text")',
    [stores, inRocksdb],
    [lazy, 'several partition keys'],
  ],
  ['list_cache_types()["postgresql_array"]', ['test/unit/library/seed-names.test.ts', 'list_cache_types']],
  ['cache.set_set("query_hash", {1, 2, 3, 4, 5})', [stores, byName]],
  ['cache.get("query_hash")', [stores, byName]],
  ['cache.exists("expensive_query_hash")', [stores, byName]],
  ['cached_park_cities.intersection(europe_cities)', [stores, byName], [queries, 'the example of README.md']],
  ['cache.underlying_handler', [queries, byMethod]],
  ['get_partition_keys(query=, cache_handler=, partition_key=)', [queries, taken]],
  [
    'get_partition_keys(query=, cache_handler=, partition_key=, auto_detect_partition_join=, partition_join_table=, min_component_size=)',
    [queries, settings],
  ],
  [
    'for cache, partition_key in [(city_cache, "city_id"), (region_cache, "region")]',
    [lazy, 'several partition keys'],
  ],
  [
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=)',
    [queries, 'restrict the outermost SELECT only'],
  ],
  [
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=, method="IN")',
    [queries, 'by method %s'],
  ],
  [
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=, method="EXISTS")',
    [queries, byMethod],
  ],
  [
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=, method="IN", p0_alias=)',
    [queries, 'by method %s'],
  ],
  ['apply_cache_lazy(query=, cache_handler=, partition_key=)', [lazy, lazily]],
  ['apply_cache_lazy(query=, cache_handler=, partition_key=, method="IN_SUBQUERY")', [lazy, lazily]],
  [
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_IN", p0_alias=)',
    [lazy, lazily],
    [lazy, 'two tables of another type of integer'],
  ],
  [
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_IN", analyze_tmp_table=)',
    [lazy, 'analyzeTmpTable: false makes the table and nothing else'],
  ],
  ['apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_JOIN")', [lazy, lazily]],
  [
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_IN", auto_detect_partition_join=, partition_join_table=, min_component_size=)',
    [queries, settings],
    [lazy, lazily],
  ],
  [
    "stats['cache_hits'], stats['generated_variants'], stats['enhanced']",
    [queries, 'restricts a query by what is known of it, and the rows are the same'],
  ],
  [
    'get_partition_keys_lazy(...)',
    [lazy, 'getPartitionKeysLazy gives what extendQueryWithPartitionKeysLazy takes'],
  ],
  [
    'extend_query_with_partition_keys_lazy(...)',
    [lazy, 'getPartitionKeysLazy gives what extendQueryWithPartitionKeysLazy takes'],
  ],
  ['generate_all_hashes', [queries, 'hashes do not depend on aliases, and depend on constants']],
  ['push_to_original_query_queue(query, partition_key=, partition_datatype=)', [stores, 'the queue']],
  ["get_queue_lengths()['query_fragment_queue']", [stores, 'the queue']],
  [
    'if result is False:  # Operation failed',
    [stores, 'without a connection, closed, of a datatype the store has not got, or of no sort'],
  ],
];

/** Functions, methods, arguments and figures that the documents name: facts, kept here so that nothing goes missing. */
const functions = {
  create_cache_helper: 'createCacheHelper',
  list_cache_types: 'listCacheTypes',
  get_partition_keys: 'getPartitionKeys',
  get_partition_keys_lazy: 'getPartitionKeysLazy',
  extend_query_with_partition_keys: 'extendQueryWithPartitionKeys',
  extend_query_with_partition_keys_lazy: 'extendQueryWithPartitionKeysLazy',
  apply_cache_lazy: 'applyCacheLazy',
  generate_all_hashes: 'generateAllHashes',
  push_to_original_query_queue: 'pushToOriginalQueryQueue',
  get_queue_lengths: 'getQueueLengths',
} as const satisfies Readonly<Record<string, keyof typeof library>>;

const methods = { set_set: 'setSet', get: 'get', exists: 'exists' } as const;

/** The type says that each is an argument here. */
const names = {
  query: 'query',
  cache_handler: 'cacheHandler',
  partition_key: 'partitionKey',
  partition_keys: 'partitionKeys',
  method: 'method',
  p0_alias: 'p0Alias',
  analyze_tmp_table: 'analyzeTmpTable',
  auto_detect_partition_join: 'autoDetectPartitionJoin',
  partition_join_table: 'partitionJoinTable',
  min_component_size: 'minComponentSize',
  partition_datatype: 'partitionDatatype',
} as const satisfies Readonly<
  Record<string, keyof library.ExtendOptions | keyof library.ApplyOptions | keyof library.PushQueryOptions>
>;

const figures = {
  cache_hits: 'cacheHits',
  generated_variants: 'generatedVariants',
  enhanced: 'enhanced',
} as const satisfies Readonly<Record<string, keyof library.CacheStats>>;

test.each(lines.map(([line, ...tests]) => ({ line, tests })))('$line', ({ tests }) => {
  for (const [file, title] of tests) expect(readFileSync(join(project, file), 'utf8')).toContain(title);
});

test('no function, method, argument or figure that the documents name is missing above', () => {
  const all = lines.map(([line]) => line).join('\n');
  const missing = (pattern: (name: string) => string, named: object): readonly string[] =>
    Object.keys(named).filter((name) => !all.includes(pattern(name)));
  expect(missing((name) => name, functions)).toEqual([]);
  expect(missing((name) => `.${name}(`, methods)).toEqual([]);
  expect(missing((name) => name, names)).toEqual([]);
  expect(missing((name) => `'${name}'`, figures)).toEqual([]);
});

test.each(Object.entries(functions))('%s is %s', (_, name) => {
  expect(library[name]).toBeInstanceOf(Function);
});

test('list_cache_types: what each backend holds, as the documents have it', () => {
  expect(library.listCacheTypes()).toMatchObject({
    postgresql_array: ['integer', 'float', 'text', 'timestamp'],
    postgresql_bit: ['integer'],
    redis_set: ['integer', 'text'],
    redis_bit: ['integer'],
    rocksdb_set: ['integer', 'text'],
    rocksdb_bit: ['integer'],
    rocksdict: ['integer', 'float', 'text', 'timestamp'],
  });
});

test.each(Object.entries(methods))('%s of a helper is %s', (_, name) => {
  expect(CacheHelper.prototype[name]).toBeInstanceOf(Function);
});

test('underlying_handler of a helper is underlyingHandler', () => {
  expect(Object.getOwnPropertyDescriptor(CacheHelper.prototype, 'underlyingHandler')?.get).toBeDefined();
});
