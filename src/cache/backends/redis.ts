import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import { StartError } from '../../errors/start-error';
import { bitCapabilities } from '../bit-capabilities';
import type { CacheBackend } from '../cache-backend';
import { RedisBackend, type RedisOptions } from './redis/redis-backend';
import { isRefusal } from './redis/redis-errors';
import { bitStorage, type RedisStorage, roaringStorage, setStorage } from './redis/redis-storage';

/*
 * The cache in Redis, for one process or many. Each function takes the connections over, also when it rejects: with StartError if
 * Redis refuses, with CacheUnavailableError if it does not answer.
 */

/** Keys of type integer and text, as members of a set. */
export function openRedisSet(options: RedisOptions): Promise<CacheBackend> {
  return open(setStorage, options);
}

/** Integers from 0 to `bits` - 1, in bitmaps. A set takes as many bits as its highest key needs. */
export function openRedisBit(options: RedisOptions & { readonly bits: number }): Promise<CacheBackend> {
  return open(bitStorage(bitCapabilities(options.bits)), options);
}

/** Integers, in portable Roaring64 bitmaps. */
export function openRedisRoaringbit(options: RedisOptions): Promise<CacheBackend> {
  return open(roaringStorage, options);
}

async function open(storage: RedisStorage, options: RedisOptions): Promise<CacheBackend> {
  try {
    return await RedisBackend.open(storage, options);
  } catch (error) {
    await options.connections[Symbol.asyncDispose]();
    if (!(error instanceof CacheUnavailableError) || !isRefusal(error.cause)) throw error;
    throw new StartError(`the cache cannot be used: ${error.message}`, { cause: error });
  }
}
