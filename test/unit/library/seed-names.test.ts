import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as library from '../../../src';
import { CacheHelper } from '../../../src/library/cache-helper';
import { libraryLines as lines } from '../../support/seed-lines/library-lines';

/**
 * What the documents of PartitionCache, the Python library, show of its functions: each line of code, and the test that shows that it does here
 * what it says there. The lines of its command line are in test/integration/cli/seed-lines.test.ts.
 */
const project = join(__dirname, '../../..');
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

test.each(lines.map(([, line, ...tests]) => ({ line, tests })))('$line', ({ tests }) => {
  for (const [file, title] of tests) expect(readFileSync(join(project, file), 'utf8')).toContain(title);
});

test('no function, method, argument or figure that the documents name is missing above', () => {
  const all = lines.map(([, line]) => line).join('\n');
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
