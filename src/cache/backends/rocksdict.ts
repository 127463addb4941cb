import { partitionKeyTypes } from '../../query/partition-key';
import type { CacheBackend } from '../cache-backend';
import { decodeKeySet, encodeKeySet } from '../codecs/key-set-codec';
import { RocksdbBackend, type RocksdbFormat, type RocksdbOptions } from './rocksdb/rocksdb-backend';

const format: RocksdbFormat = {
  name: 'rocksdict',
  capabilities: { keyTypes: new Set(partitionKeyTypes) },
  encode: encodeKeySet,
  decode: decodeKeySet,
};

/** As openRocksdbSet, for keys of every type: each set says which its keys are of. */
export function openRocksdict(options: RocksdbOptions): Promise<CacheBackend> {
  return RocksdbBackend.open(format, options);
}
