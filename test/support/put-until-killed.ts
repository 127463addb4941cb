import { writeSync } from 'node:fs';
import { openPostgresqlArray } from '../../src/cache/backends/postgresql';
import { openRedisSet } from '../../src/cache/backends/redis';
import { openRocksdbSet } from '../../src/cache/backends/rocksdb-set';
import type { CacheBackend, CacheEntry } from '../../src/cache/cache-backend';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import { openPool } from '../../src/postgres/control-pool';
import { sampleEntry } from './cache-entries';
import { openPuttingInPlace } from './putting-in-place';
import type { ConnectionOptions } from './postgres-server';
import { redisOptions } from './redis-options';

export const entryCount = 8;

/** Where a process is to put entries; can be told to it as JSON. */
export type CrashStore =
  | { readonly kind: 'rocksdb'; readonly path: string }
  | { readonly kind: 'redis'; readonly host: string; readonly port: number }
  | { readonly kind: 'postgresql' | 'in place'; readonly connection: ConnectionOptions };

export const crashSchema = { schema: 'pcache', tablePrefix: 'cache_' };

export function openCrashStore(store: CrashStore, warn: (message: string) => void): Promise<CacheBackend> {
  switch (store.kind) {
    case 'rocksdb':
      return openRocksdbSet({ path: store.path, warn });
    case 'redis':
      return openRedisSet(redisOptions({ addresses: [store], commandTimeoutMs: 1_000 }, { warn }));
    case 'postgresql':
      return openPostgresqlArray({ pool: openPool(store.connection), schema: crashSchema, warn });
    case 'in place':
      return openPuttingInPlace(store.connection, crashSchema, warn);
  }
}

/** What is put for an entry in a generation; everything in it follows from the two numbers. */
export function generatedEntry(entry: number, generation: number): CacheEntry {
  const size = (entry * 397 + generation * 131) % 1_500;
  const keys = createKeySet(
    'integer',
    Array.from({ length: size }, (_, i) => BigInt(i) * BigInt(generation + 1) + BigInt(entry)),
    { hasNullKey: generation % 2 === 1 },
  );
  return sampleEntry(keys, { text: `entry ${entry}`, at: generation });
}

/**
 * Replaces the entries again and again, from the generation given, several at a time, and tells of each one that was acknowledged, until one
 * is refused; rejects with the reason when nothing is under way any more.
 */
export async function putUntilRefused(
  backend: CacheBackend,
  from: number,
  acknowledged: (entry: number, generation: number) => void,
): Promise<never> {
  await backend.registerPartitionKey('region', 'integer');
  for (let generation = from; ; generation++) {
    const puts = Array.from({ length: entryCount }, async (_, entry) => {
      await backend.put(generatedEntry(entry, generation));
      acknowledged(entry, generation);
    });
    for (const result of await Promise.allSettled(puts))
      if (result.status === 'rejected') throw result.reason;
  }
}

/** Run as a process of its own, with a store as JSON: somebody kills it. */
async function putUntilKilled(store: CrashStore, from: number): Promise<never> {
  const backend = await openCrashStore(store, (message) => writeSync(2, `${message}\n`));
  return putUntilRefused(backend, from, (entry, generation) => writeSync(1, `${entry} ${generation}\n`));
}

const [, script, store, from] = process.argv;
if (script === __filename && store !== undefined)
  void putUntilKilled(JSON.parse(store) as CrashStore, Number(from));
