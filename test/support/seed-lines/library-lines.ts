/** What the documents of PartitionCache, the Python library, show of its functions; its command line is in command-lines.ts. */
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

/** Which lines of the README, and after PJ of the other document, show it; what it is; the tests that show that it is so: file and title. */
export const libraryLines: readonly (readonly [
  lines: string,
  code: string,
  ...tests: (readonly [file: string, title: string])[],
])[] = [
  [
    '72, 135, 182, 266, 329, 373-375, 493, 529, 610',
    'create_cache_helper("postgresql_array", "user_id", "integer")',
    [stores, inPostgresql],
  ],
  ['613', 'create_cache_helper("postgresql_bit", "user_id", "integer")', [lazy, 'bit sets; and columns of']],
  ['616', 'create_cache_helper("redis_set", "session_id", "text")', [stores, 'Redis, and a copy in MariaDB']],
  ['137, 619', 'create_cache_helper("rocksdict", "coordinates", "float")', [stores, inRocksdb]],
  [
    '136',
    'create_cache_helper("postgresql_array", "region", "text")',
    [stores, inRocksdb],
    [lazy, 'several partition keys'],
  ],
  [
    '158-164, 168-169',
    'list_cache_types()["postgresql_array"]',
    ['test/unit/library/seed-names.test.ts', 'list_cache_types'],
  ],
  ['75, 140-142, 185, 380-382, 494', 'cache.set_set("query_hash", {1, 2, 3, 4, 5})', [stores, byName]],
  ['78, 189, 395, 504, 638, 671', 'cache.get("query_hash")', [stores, byName]],
  ['188, 394, 401, 403', 'cache.exists("expensive_query_hash")', [stores, byName]],
  [
    '343, 507',
    'cached_park_cities.intersection(europe_cities)',
    [stores, byName],
    [queries, 'the example of README.md'],
  ],
  ['83, 97, 148, 271, 297, 305, 314, 334, 538; PJ 158, 174', 'cache.underlying_handler', [queries, byMethod]],
  [
    '81-82, 84, 146-147, 149, 332-333, 335',
    'get_partition_keys(query=, cache_handler=, partition_key=)',
    [queries, taken],
  ],
  [
    'PJ 172-173, 175-178',
    'get_partition_keys(query=, cache_handler=, partition_key=, auto_detect_partition_join=, partition_join_table=, min_component_size=)',
    [queries, settings],
  ],
  [
    '145',
    'for cache, partition_key in [(city_cache, "city_id"), (region_cache, "region")]',
    [lazy, 'several partition keys'],
  ],
  [
    '88-91, 190, 396, 510-511, 516-517',
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=)',
    [queries, 'restrict the outermost SELECT only'],
  ],
  [
    '346-349',
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=, method="IN")',
    [queries, 'by method %s'],
  ],
  [
    '350',
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=, method="EXISTS")',
    [queries, byMethod],
  ],
  [
    'PJ 187-192',
    'extend_query_with_partition_keys(query=, partition_keys=, partition_key=, method="IN", p0_alias=)',
    [queries, 'by method %s'],
  ],
  ['95-96, 98, 596', 'apply_cache_lazy(query=, cache_handler=, partition_key=)', [lazy, lazily]],
  [
    '295-296, 298-299',
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="IN_SUBQUERY")',
    [lazy, lazily],
  ],
  [
    '269-270, 272-274, 532-533, 539-541',
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_IN", p0_alias=)',
    [lazy, lazily],
    [lazy, 'two tables of another type of integer'],
  ],
  [
    '303-304, 306-308',
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_IN", analyze_tmp_table=)',
    [lazy, 'analyzeTmpTable: false makes the table and nothing else'],
  ],
  [
    '312-313, 315-316',
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_JOIN")',
    [lazy, lazily],
  ],
  [
    'PJ 156-157, 159-163, 197-198',
    'apply_cache_lazy(query=, cache_handler=, partition_key=, method="TMP_TABLE_IN", auto_detect_partition_join=, partition_join_table=, min_component_size=)',
    [queries, settings],
    [lazy, lazily],
  ],
  [
    '100, 278-279, 544-545',
    "stats['cache_hits'], stats['generated_variants'], stats['enhanced']",
    [queries, 'restricts a query by what is known of it, and the rows are the same'],
  ],
  [
    '591',
    'get_partition_keys_lazy(...)',
    [lazy, 'getPartitionKeysLazy gives what extendQueryWithPartitionKeysLazy takes'],
  ],
  [
    '593',
    'extend_query_with_partition_keys_lazy(...)',
    [lazy, 'getPartitionKeysLazy gives what extendQueryWithPartitionKeysLazy takes'],
  ],
  ['582', 'generate_all_hashes', [queries, 'hashes do not depend on aliases, and depend on constants']],
  [
    '203, 205-206',
    'push_to_original_query_queue(query, partition_key=, partition_datatype=)',
    [stores, 'the queue'],
  ],
  ['210-211', "get_queue_lengths()['query_fragment_queue']", [stores, 'the queue']],
  [
    '629',
    'if result is False:  # Operation failed',
    [stores, 'without a connection, closed, of a datatype the store has not got, or of no sort'],
  ],
];
