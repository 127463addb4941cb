import type { PartitionKeyType } from '../../query/partition-key';
import type { CacheBackendName } from './config-schema';

/**
 * The datatypes each backend can hold, known here without opening one, so that `pcache config check` can tell.
 * A test compares this with the capabilities of the backends themselves.
 */
export const backendDatatypes: Readonly<Record<CacheBackendName, readonly PartitionKeyType[]>> = {
  rocksdb_set: ['integer', 'text'],
  memory: ['integer', 'float', 'text', 'timestamp'],
};
