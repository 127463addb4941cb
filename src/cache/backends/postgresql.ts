import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import { ControlConnectionError } from '../../errors/control-connection-error';
import { ControlQueryError } from '../../errors/control-query-error';
import { StartError } from '../../errors/start-error';
import { bitCapabilities } from '../bit-capabilities';
import type { CacheBackend } from '../cache-backend';
import { cacheMigrations, cacheQuery } from './postgresql/cache-schema';
import { arrayStorage, bitStorage, type KeyStorage, roaringStorage } from './postgresql/key-storage';
import { checkMigrations } from '../../postgres/migrations';
import { PostgresqlBackend, type PostgresqlOptions } from './postgresql/postgresql-backend';

/*
 * The cache in tables of a PostgreSQL database, for one process or many. Each function takes the pool over, also when it rejects:
 * with StartError if it refuses or its schema is not set up, with CacheUnavailableError if it does not answer, with NewerSchemaError if a later version has
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
    await checkMigrations(pool, cacheMigrations(schema));
    return await PostgresqlBackend.open(await storage(), options);
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    const reason = error instanceof CacheUnavailableError ? error.cause : error;
    if (reason instanceof ControlQueryError || isRefusal(reason))
      throw new StartError(`the cache cannot be used: ${reason.message}`, { cause: reason });
    if (!(reason instanceof ControlConnectionError)) throw error;
    throw new CacheUnavailableError('the cache in PostgreSQL', reason.message, { cause: reason });
  }
}

/** The server has answered, and will give the same answer until somebody changes its configuration, or ours: log-in or database is wrong. */
function isRefusal(error: unknown): error is ControlConnectionError {
  if (!(error instanceof ControlConnectionError)) return false;
  const { cause } = error;
  return (
    typeof cause === 'object' && cause !== null && 'code' in cause && /^(28|3D)/.test(String(cause.code))
  );
}
