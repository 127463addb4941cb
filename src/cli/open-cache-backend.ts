import type { CacheBackend } from '../cache/cache-backend';
import type { CacheWarning } from '../cache/cache-warning';
import { MemoryBackend } from '../cache/backends/memory';
import { openRocksdbBit } from '../cache/backends/rocksdb-bit';
import { openRocksdbSet } from '../cache/backends/rocksdb-set';
import { openRocksdict } from '../cache/backends/rocksdict';
import { openRocksdictRoaringbit } from '../cache/backends/rocksdict-roaringbit';
import { assertNever } from '../errors/assert-never';
import type { CacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';

/**
 * Opens the store of key sets the configuration names; the caller disposes of it. Rejects with StartError if it cannot
 * be had.
 */
export async function openCacheBackend(
  { backend, path, bits }: CacheConfig,
  log: Log,
): Promise<CacheBackend> {
  const cacheLog = log.child({ part: 'cache', backend });
  const warn: CacheWarning = (message, cause) => {
    cacheLog.warn(cause === undefined ? {} : { err: cause }, message);
  };
  switch (backend) {
    case 'rocksdb_set':
      return openRocksdbSet({ path, warn });
    case 'rocksdb_bit':
      return openRocksdbBit({ path, bits, warn });
    case 'rocksdict':
      return openRocksdict({ path, warn });
    case 'rocksdict_roaringbit':
      return openRocksdictRoaringbit({ path, warn });
    case 'memory':
      return new MemoryBackend({ warn });
    default:
      return assertNever(backend, 'cache backend');
  }
}
