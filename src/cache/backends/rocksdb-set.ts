import type { CacheBackend } from '../cache-backend';
import { decodeKeySet, encodeKeySet } from '../codecs/key-set-codec';
import { RocksdbBackend, type RocksdbFormat, type RocksdbOptions } from './rocksdb/rocksdb-backend';

const format: RocksdbFormat = {
  name: 'rocksdb_set',
  capabilities: { keyTypes: new Set(['integer', 'text']) },
  encode: encodeKeySet,
  decode: decodeKeySet,
};

/**
 * The cache in a RocksDB directory of its own, for keys of type integer and text. Rejects with StartError if the directory
 * is in use by another process, or is not a cache's; a damaged cache is set aside and an empty one started, with a
 * warning.
 */
export function openRocksdbSet(options: RocksdbOptions): Promise<CacheBackend> {
  return RocksdbBackend.open(format, options);
}
