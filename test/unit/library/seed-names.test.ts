import * as library from '../../../src';
import { CacheHelper } from '../../../src/library/cache-helper';

/** Each function of the Python library's documents, and what it is here. */
const functions = {
  create_cache_helper: 'createCacheHelper',
  list_cache_types: 'listCacheTypes',
  get_partition_keys: 'getPartitionKeys',
  extend_query_with_partition_keys: 'extendQueryWithPartitionKeys',
  apply_cache_lazy: 'applyCacheLazy',
  generate_all_hashes: 'generateAllHashes',
  push_to_original_query_queue: 'pushToOriginalQueryQueue',
  get_queue_lengths: 'getQueueLengths',
} as const satisfies Readonly<Record<string, keyof typeof library>>;

/** Not built: keys are not read in place. applyCacheLazy, which the documents recommend instead, has them in the text. */
const missing = { get_partition_keys_lazy: undefined, extend_query_with_partition_keys_lazy: undefined };

const methods = { set_set: 'setSet', get: 'get', exists: 'exists' } as const;

test.each(Object.entries(functions))('%s is %s', (_, name) => {
  expect(library[name]).toBeInstanceOf(Function);
});

test.each(Object.keys(missing))('%s is not there', (name) => {
  const camelCase = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  expect(Object.keys(library)).not.toContain(camelCase);
});

test.each(Object.entries(methods))('%s of a helper is %s', (_, name) => {
  expect(CacheHelper.prototype[name]).toBeInstanceOf(Function);
});

test('underlying_handler of a helper is underlyingHandler', () => {
  expect(Object.getOwnPropertyDescriptor(CacheHelper.prototype, 'underlyingHandler')?.get).toBeDefined();
});
