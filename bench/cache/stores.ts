import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { MemoryBackend } from '../../src/cache/backends/memory';
import {
  openPostgresqlArray,
  openPostgresqlBit,
  openPostgresqlRoaringbit,
} from '../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../src/cache/backends/postgresql/cache-schema';
import { migrate } from '../../src/postgres/migrations';
import { openRedisBit, openRedisRoaringbit, openRedisSet } from '../../src/cache/backends/redis';
import { RedisConnections } from '../../src/cache/backends/redis/redis-connections';
import { openRocksdbBit } from '../../src/cache/backends/rocksdb-bit';
import { openRocksdbSet } from '../../src/cache/backends/rocksdb-set';
import { openRocksdict } from '../../src/cache/backends/rocksdict';
import { openRocksdictRoaringbit } from '../../src/cache/backends/rocksdict-roaringbit';
import type { CacheBackend } from '../../src/cache/cache-backend';
import { fromBits, toBits } from '../../src/cache/codecs/bits';
import { integerCodec } from '../../src/cache/codecs/integer-codec';
import { encodeKeySet } from '../../src/cache/codecs/key-set-codec';
import { fromRoaring, toRoaring } from '../../src/cache/codecs/roaring';
import type { KeySet } from '../../src/cache/key-set';
import { Owned } from '../../src/cli/owned';
import { openPool } from '../../src/postgres/control-pool';
import { hasRedis, startRedis } from '../../test/support/redis-server';
import { startPostgres } from '../../test/support/postgres-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';

/** A backend on a store of its own. */
export interface Store {
  readonly name: string;
  open(): Promise<CacheBackend>;
  /** Bytes the store takes for a set that was just put; what was put is removed. 0: it keeps the object itself. */
  storedBytes(keys: KeySet): Promise<number>;
}

const warn = (message: string): void => console.error(message);
/** Keys of the largest set, at a density of 10 %. */
const bits = 1_000_000;

/** All there are, on servers that are started here. The caller disposes of them. */
export async function startStores(): Promise<{ readonly stores: readonly Store[] } & AsyncDisposable> {
  const owned = new Owned();
  const directory = owned.add(await temporaryDirectory('bench-cache'));
  const postgres = await startPostgres();
  owned.add({ [Symbol.asyncDispose]: () => postgres.stop() });
  const database = await postgres.createDatabase();
  const admin = new Client(postgres.connectionOptions(database));
  await admin.connect();
  owned.add({ [Symbol.asyncDispose]: () => admin.end() });
  const schema = { schema: 'pcache', tablePrefix: 'cache_' };
  {
    await using pool = openPool(postgres.connectionOptions(database));
    await migrate(pool, cacheMigrations(schema));
  }
  const inPostgresql = () => ({ pool: openPool(postgres.connectionOptions(database)), schema, warn });
  const postgresqlBytes = async (): Promise<number> => {
    const { rows } = await admin.query<{ bytes: number }>(
      `select max(coalesce(pg_column_size(integers), pg_column_size(bits), pg_column_size(roaring))) as bytes
         from pcache.cache_entry`,
    );
    await admin.query('delete from pcache.cache_partition_key');
    return rows[0]?.bytes ?? 0;
  };
  const inDirectory = (name: string) => ({ path: join(directory.path, name), warn });
  const stores: Store[] = [
    { name: 'memory', open: async () => new MemoryBackend({ warn }), storedBytes: async () => 0 },
    {
      name: 'rocksdb_set',
      open: () => openRocksdbSet(inDirectory('set')),
      storedBytes: async (keys) => encodeKeySet(keys).length,
    },
    {
      name: 'rocksdb_bit',
      open: () => openRocksdbBit({ ...inDirectory('bit'), bits }),
      storedBytes: async (keys) => integerCodec(toBits, fromBits).encode(keys).length,
    },
    {
      name: 'rocksdict',
      open: () => openRocksdict(inDirectory('dict')),
      storedBytes: async (keys) => encodeKeySet(keys).length,
    },
    {
      name: 'rocksdict_roaringbit',
      open: () => openRocksdictRoaringbit(inDirectory('roaring')),
      storedBytes: async (keys) => integerCodec(toRoaring, fromRoaring).encode(keys).length,
    },
    {
      name: 'postgresql_array',
      open: () => openPostgresqlArray(inPostgresql()),
      storedBytes: postgresqlBytes,
    },
    {
      name: 'postgresql_bit',
      open: () => openPostgresqlBit({ ...inPostgresql(), bits }),
      storedBytes: postgresqlBytes,
    },
    {
      name: 'postgresql_roaringbit',
      open: () => openPostgresqlRoaringbit(inPostgresql()),
      storedBytes: postgresqlBytes,
    },
  ];
  if (hasRedis) stores.push(...(await redisStores(owned)));
  return { stores, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

async function redisStores(owned: Owned): Promise<readonly Store[]> {
  const server = owned.add(await startRedis());
  const admin = new Redis(server.port, server.host);
  owned.add({ [Symbol.asyncDispose]: async () => admin.disconnect() });
  const inRedis = () => ({
    connections: new RedisConnections(
      {
        kind: 'single',
        addresses: [server],
        sentinelName: undefined,
        username: undefined,
        password: undefined,
        database: 0,
        tls: undefined,
        commandTimeoutMs: 30_000,
      },
      warn,
    ),
    keyPrefix: 'pcache:',
    ttlMs: undefined,
    warn,
  });
  const storedBytes = async (): Promise<number> => {
    const sizes: number[] = [];
    for (const key of await admin.keys('*:k:*'))
      sizes.push(Number(await admin.call('MEMORY', 'USAGE', key, 'SAMPLES', '0')));
    await admin.flushall();
    return Math.max(0, ...sizes);
  };
  return [
    { name: 'redis_set', open: () => openRedisSet(inRedis()), storedBytes },
    { name: 'redis_bit', open: () => openRedisBit({ ...inRedis(), bits }), storedBytes },
    { name: 'redis_roaringbit', open: () => openRedisRoaringbit(inRedis()), storedBytes },
  ];
}
