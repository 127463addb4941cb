import type { CacheBackend } from '../cache/cache-backend';
import { loadUpstreamTls } from '../cli/load-tls';
import { openCacheBackend } from '../cli/open-cache-backend';
import type { PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';

interface SharedStore {
  readonly opening: Promise<CacheBackend>;
  users: number;
}

/** Stores that one process at a time can open, by kind and directory: helpers of several partition keys have one together. */
const stores = new Map<string, SharedStore>();

/** A store that is closed by its last user. */
export interface LentStore extends AsyncDisposable {
  readonly backend: CacheBackend;
}

/** Rejects as openCacheBackend does. */
export async function openStore(config: PcacheConfig, log: Log): Promise<LentStore> {
  const { cache } = config;
  const open = (): Promise<CacheBackend> => openCacheBackend(cache, loadUpstreamTls(config), log);
  if (!cache.backend.startsWith('rocksd')) {
    const backend = await open();
    return { backend, [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() };
  }
  const name = JSON.stringify([cache.backend, cache.path]);
  const store = stores.get(name) ?? { opening: open(), users: 0 };
  stores.set(name, store);
  store.users += 1;
  const release = async (): Promise<void> => {
    store.users -= 1;
    if (store.users > 0) return;
    stores.delete(name);
    await (await store.opening)[Symbol.asyncDispose]();
  };
  try {
    let isReleased = false;
    return {
      backend: await store.opening,
      [Symbol.asyncDispose]: async () => {
        if (isReleased) return;
        isReleased = true;
        await release();
      },
    };
  } catch (error) {
    if (stores.get(name) === store) stores.delete(name);
    throw error;
  }
}
