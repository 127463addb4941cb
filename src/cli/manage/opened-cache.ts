import type { CacheBackend } from '../../cache/cache-backend';
import { readConfigFile } from '../../ops/config/read-config';
import type { CacheConfig } from '../../ops/config/pcache-config';
import { createLog } from '../../ops/log/create-log';
import { type ConfigFlags, readConfigFlags } from '../config-flags';
import { loadUpstreamTls } from '../load-tls';
import { openCacheBackend } from '../open-cache-backend';
import { meantConfig } from '../key-flags';

/** Opens the cache of a configuration, with some of its settings replaced; the caller disposes of it. */
export async function openedCache(
  flags: ConfigFlags,
  replaced: Partial<CacheConfig> = {},
): Promise<CacheBackend> {
  const { file, sources } = readConfigFlags(flags, process.env);
  const config = meantConfig(readConfigFile(file, sources), flags);
  return openCacheBackend({ ...config.cache, ...replaced }, loadUpstreamTls(config), createLog(config.log));
}
