import type { CacheBackend } from '../../src/cache/cache-backend';
import type { KeySet } from '../../src/cache/key-set';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import { intersectKeySets } from '../../src/cache/key-sets/intersect-key-sets';
import { hashOf, sampleEntry } from '../../test/support/cache-entries';
import { describeMachine } from '../machine';
import { median } from '../statistics';
import { measureStart } from './start';
import { startStores } from './stores';

const sizes = [10, 1_000, 100_000];
const rounds = 7;
const [a, b] = [hashOf('a'), hashOf('b')];

/** What the backends take for sets at a density of 10 %, and how soon a proxy with many entries starts. Resolves to the exit code. */
export async function runBenchmark(): Promise<number> {
  const { cpu, cores, node } = describeMachine();
  console.log(`${cores} x ${cpu}, Node ${node}; medians of ${rounds} rounds, the backends in turns\n`);
  await using started = await startStores();
  console.log(
    row(['backend', 'keys', 'put ms', 'get ms', 'intersect ms', 'bytes stored', 'bytes in the proxy']),
  );
  for (const size of sizes) {
    const sets = [setOf(size, 10), setOf(size, 20)] as const;
    const times = new Map(started.stores.map(({ name }) => [name, { put: [], get: [], intersect: [] }]));
    const stored = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const store of started.stores) {
        await using backend = await store.open();
        await backend.registerPartitionKey('region', 'integer');
        await measure(backend, sets, times.get(store.name));
        stored.set(store.name, await store.storedBytes(sets[0]));
      }
    }
    for (const [name, { put, get, intersect }] of times) {
      const ms = [put, get, intersect].map((values) => median(values).toFixed(3));
      console.log(row([name, size, ...ms, stored.get(name) ?? 0, sets[0].bytes]));
    }
  }
  const [x, y] = [setOf(100_000, 10), setOf(100_000, 15)];
  const inMemory = Array.from({ length: 50 }, () => timed(() => intersectKeySets([x, y])));
  console.log(
    `\nintersection of two sets of 100,000 keys in memory: ${median(inMemory).toFixed(3)} ms (target 1)`,
  );
  await measureStart();
  return 0;
}

interface Times {
  readonly put: number[];
  readonly get: number[];
  readonly intersect: number[];
}

async function measure(
  backend: CacheBackend,
  [x, y]: readonly [KeySet, KeySet],
  times?: Times,
): Promise<void> {
  times?.put.push(await timedAsync(() => backend.put(sampleEntry(x))));
  await backend.put(sampleEntry(y, { text: 'b' }));
  times?.get.push(await timedAsync(() => backend.get('region', a)));
  times?.intersect.push(await timedAsync(() => backend.intersect('region', [a, b])));
}

function setOf(size: number, step: number): KeySet {
  return createKeySet(
    'integer',
    Array.from({ length: size }, (_, i) => BigInt((i * step) % (size * 10))),
  );
}

function timed(work: () => unknown): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

async function timedAsync(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell, i) => (i === 0 ? String(cell).padEnd(22) : String(cell).padStart(14))).join(' ');
}
