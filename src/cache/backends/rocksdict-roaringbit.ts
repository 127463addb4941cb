import type { CacheBackend } from '../cache-backend';
import { integerCodec } from '../codecs/integer-codec';
import { fromRoaring, toRoaring } from '../codecs/roaring';
import { RocksdbBackend, type RocksdbFormat, type RocksdbOptions } from './rocksdb/rocksdb-backend';

const format: RocksdbFormat = {
  name: 'rocksdict_roaringbit',
  capabilities: { keyTypes: new Set(['integer']) },
  ...integerCodec(toRoaring, fromRoaring),
};

/** As openRocksdbSet, for integers, as roaring bitmaps: small where keys are many, whatever their size and sign. */
export function openRocksdictRoaringbit(options: RocksdbOptions): Promise<CacheBackend> {
  return RocksdbBackend.open(format, options);
}
