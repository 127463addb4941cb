import { writeSync } from 'node:fs';
import { openRocksdbSet } from '../../src/cache/backends/rocksdb-set';
import type { CacheEntry } from '../../src/cache/cache-backend';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import { sampleEntry } from './cache-entries';

export const entryCount = 8;

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
 * Run as a process of its own, with the path of a cache: replaces its entries again and again, from the generation given,
 * several at a time, and prints each one that was acknowledged. Somebody kills it.
 */
async function putUntilKilled(path: string, from: number): Promise<never> {
  const backend = await openRocksdbSet({ path, warn: (message) => writeSync(2, `${message}\n`) });
  await backend.registerPartitionKey('region', 'integer');
  for (let generation = from; ; generation++) {
    await Promise.all(
      Array.from({ length: entryCount }, async (_, entry) => {
        await backend.put(generatedEntry(entry, generation));
        writeSync(1, `${entry} ${generation}\n`);
      }),
    );
  }
}

const [, script, path, from] = process.argv;
if (script === __filename && path !== undefined) void putUntilKilled(path, Number(from));
