import { openPostgresqlArray } from '../../src/cache/backends/postgresql';
import type { CacheSchema } from '../../src/cache/backends/postgresql/cache-schema';
import type { CacheBackend, CacheEntry } from '../../src/cache/cache-backend';
import { CacheUnavailableError } from '../../src/errors/cache-unavailable-error';
import { PostgresqlSource } from '../../src/population/sources/postgresql';
import { openPool } from '../../src/postgres/control-pool';
import { sampleEntry } from './cache-entries';
import type { ConnectionOptions } from './postgres-server';

/**
 * A backend whose integer entries of crash tests are put by having the server compute their keys and store them in place. When an entry was put stands in its
 * fragment's text, and what is read of it is what was put, as far as keys go.
 */
export async function openPuttingInPlace(
  connection: ConnectionOptions,
  schema: CacheSchema,
  warn: (message: string) => void,
): Promise<CacheBackend> {
  const backend = await openPostgresqlArray({ pool: openPool(connection), schema, warn });
  const pool = openPool({ ...connection, maxConnections: 8 });
  const refusals: string[] = [];
  const source = new PostgresqlSource({
    ...{ pool, timeoutMs: 30_000, maxKeys: 10_000 },
    inPlace: { store: () => backend.inPlace, refused: (reason) => void refusals.push(reason) },
  });
  const put = async (entry: CacheEntry): Promise<void> => {
    const values = [...(entry.keys?.values() ?? [])];
    const sql =
      `/* ${entry.createdAt} */ SELECT DISTINCT k FROM pg_catalog.unnest('{${values.join(',')}}'::pg_catalog.int8[]) AS k` +
      (entry.hasNullKey ? ' UNION ALL SELECT NULL' : '');
    const outcome = await source.run({ ...entry.fragment, sql }, new AbortController().signal);
    if (outcome.status === 'stored') return;
    throw new CacheUnavailableError(backend.name, JSON.stringify([outcome, refusals]));
  };
  const get = async (...place: Parameters<CacheBackend['get']>): Promise<CacheEntry | undefined> => {
    const found = await backend.get(...place);
    if (found?.keys === undefined) return found;
    const at = Number(/^\/\* (\d+) \*\//.exec(found.fragment.sql)?.[1]);
    const { partitionKey, conjuncts } = found.fragment;
    const text = /'(.*)'/.exec(conjuncts[0]?.template ?? '')?.[1] ?? '';
    return sampleEntry(found.keys, { partitionKey, text, at });
  };
  const close = async (): Promise<void> => {
    await backend[Symbol.asyncDispose]();
    await pool[Symbol.asyncDispose]();
  };
  return new Proxy(backend, {
    get: (target, name) => {
      if (name === 'put') return put;
      if (name === 'get') return get;
      if (name === Symbol.asyncDispose) return close;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
