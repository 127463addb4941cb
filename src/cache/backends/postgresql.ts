import { ControlConnectionError } from '../../errors/control-connection-error';
import { ControlQueryError } from '../../errors/control-query-error';
import { StartError } from '../../errors/start-error';
import { bitCapabilities } from '../bit-capabilities';
import type { CacheBackend } from '../cache-backend';
import { cacheQuery } from './postgresql/cache-schema';
import { arrayStorage, bitStorage, type KeyStorage, roaringStorage } from './postgresql/key-storage';
import { checkMigrations } from './postgresql/migrations';
import { PostgresqlBackend, type PostgresqlOptions } from './postgresql/postgresql-backend';

/*
 * The cache in tables of a PostgreSQL database, for one process or many. Each function takes the pool over, also when it rejects:
 * with StartError if the database cannot be reached or its schema is not set up, with NewerSchemaError if a later version has
 * set it up.
 */

/** Keys of any datatype, in arrays. */
export function openPostgresqlArray(options: PostgresqlOptions): Promise<CacheBackend> {
  return open(options, async () => arrayStorage);
}

/** Integers from 0 to `bits` - 1, in bit varying. A set takes as many bits as its highest key needs. */
export function openPostgresqlBit(
  options: PostgresqlOptions & { readonly bits: number },
): Promise<CacheBackend> {
  return open(options, async () => bitStorage(bitCapabilities(options.bits)));
}

/** Integers in roaring bitmaps. Where the server has pg_roaringbitmap, it intersects them; elsewhere that is done here. */
export function openPostgresqlRoaringbit(options: PostgresqlOptions): Promise<CacheBackend> {
  return open(options, async () => {
    const [found] = await options.pool.query<{ nspname: string }>(cacheQuery('roaring-extension'));
    return roaringStorage(found?.nspname);
  });
}

async function open(options: PostgresqlOptions, storage: () => Promise<KeyStorage>): Promise<CacheBackend> {
  const { pool, schema } = options;
  try {
    await checkMigrations(pool, schema);
    return await PostgresqlBackend.open(await storage(), options);
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    if (!(error instanceof ControlConnectionError || error instanceof ControlQueryError)) throw error;
    throw new StartError(`the cache cannot be used: ${error.message}`, { cause: error });
  }
}
