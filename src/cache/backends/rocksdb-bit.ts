import type { CacheBackend } from '../cache-backend';
import { bitCapabilities } from '../bit-capabilities';
import { fromBits, toBits } from '../codecs/bits';
import { integerCodec } from '../codecs/integer-codec';
import { RocksdbBackend, type RocksdbFormat, type RocksdbOptions } from './rocksdb/rocksdb-backend';

const codec = integerCodec(toBits, fromBits);

/**
 * As openRocksdbSet, for integers from 0 on, a bit each. A set takes as many bytes as its highest key needs; `bits` only bounds
 * them.
 */
export function openRocksdbBit(options: RocksdbOptions & { readonly bits: number }): Promise<CacheBackend> {
  const format: RocksdbFormat = {
    name: 'rocksdb_bit',
    capabilities: bitCapabilities(options.bits),
    ...codec,
  };
  return RocksdbBackend.open(format, options);
}
