import { Directory } from '../../src/cache/directory';
import type { EntryDescription } from '../../src/cache/cache-backend';
import type { AnalysedBlock } from '../../src/query/analysis/analyse';
import { loadParser } from '../../src/query/ast/parser';
import { enumerateFragments } from '../../src/query/fragment/enumerate';
import { quantile } from '../statistics';
import { blockOver, contextId, entryOf, Fillers, fragmentContext, type Kind } from './fillers';

export interface Job {
  readonly size: number;
  readonly kind: Kind;
  readonly tables: readonly number[];
  readonly rounds: number;
}

export interface LookupTimes {
  readonly tables: number;
  /** Entries that match, of each query. */
  readonly matches: number;
  readonly medianUs: number;
  readonly p99Us: number;
  /** Of queries for which nothing is known, although they have the conditions that many entries share. */
  readonly missMedianUs: number;
}

export interface Measured {
  readonly lookups: readonly LookupTimes[];
  readonly bytesPerEntry: number;
  readonly putUs: number;
}

const queriesOfEach = 100;
const matchesOfEach = 3;
const hashBytes = 32;

/** Fills a directory and looks queries up in it. The process must have been started with --expose-gc. */
export async function measure({ size, kind, tables, rounds }: Job): Promise<Measured> {
  await loadParser();
  const queries = tables.map((count) => ({
    count,
    known: Array.from({ length: queriesOfEach }, (_, i) => queryOver(count, i)),
    unknown: Array.from({ length: queriesOfEach }, (_, i) => queryOver(count, i + queriesOfEach)),
  }));
  const fillers = new Fillers(kind);
  const wanted = queries.flatMap(({ known }) => known.flatMap(someFragments)).map(entryOf);
  // Of few entries there are many directories: what one of them takes cannot be told from what the process takes.
  const directories = Array.from({ length: Math.max(1, Math.floor(100_000 / size)) }, () => new Directory());
  // What the compiler makes of the code stays in memory once, whatever the number of entries.
  const warmUp = new Directory();
  for (let i = 0; i < 20_000; i++) warmUp.put(fillers.entry(i));
  const before = memory();
  let putMs = 0;
  const put = (directory: Directory, entries: readonly EntryDescription[]): void => {
    const begin = performance.now();
    for (const entry of entries) directory.put(entry);
    putMs += performance.now() - begin;
  };
  for (const directory of directories) {
    for (let from = 0; from < size; from += 1_000)
      put(
        directory,
        Array.from({ length: Math.min(1_000, size - from) }, (_, i) => fillers.entry(from + i)),
      );
  }
  const entries = size * directories.length;
  const bytesPerEntry = (memory() - before) / entries - hashBytes;
  const putUs = (1_000 * putMs) / entries;
  const [directory] = directories;
  if (directory?.size !== size) throw new Error('an entry was lost');
  for (const entry of wanted) directory.put(entry);

  const lookups = queries.map(({ count, known, unknown }) => {
    const hits = timesOf(directory, known, matchesOfEach, rounds);
    const misses = timesOf(directory, unknown, 0, rounds);
    return {
      ...{ tables: count, matches: matchesOfEach },
      ...{ medianUs: quantile(hits, 0.5), p99Us: quantile(hits, 0.99), missMedianUs: quantile(misses, 0.5) },
    };
  });
  return { lookups, bytesPerEntry, putUs };
}

function queryOver(count: number, number: number): AnalysedBlock {
  const tables = Array.from({ length: count }, (_, i) => i);
  return blockOver(tables, (table) => [
    `t${table}.population > ${500_000 + 1_000 * count + number}`,
    `t${table}.kind = 'common'`,
  ]);
}

/** Some of the fragments that would have been learned from a query. */
function someFragments(block: AnalysedBlock): ReturnType<typeof enumerateFragments> {
  const [keyClass] = block.classes;
  if (keyClass === undefined) throw new Error('no class');
  const fragments = enumerateFragments(block, keyClass, fragmentContext);
  return Array.from({ length: matchesOfEach }, (_, i) => {
    const fragment = fragments[Math.floor((i * fragments.length) / matchesOfEach)];
    if (fragment === undefined) throw new Error('no fragment');
    return fragment;
  });
}

/** Microseconds, sorted. */
function timesOf(
  directory: Directory,
  blocks: readonly AnalysedBlock[],
  matches: number,
  rounds: number,
): Float64Array {
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    for (const block of blocks) {
      const [keyClass] = block.classes;
      if (keyClass === undefined) throw new Error('no class');
      const begin = performance.now();
      const found = directory.match(block, keyClass, contextId).length;
      // The first round is for the compiler.
      if (round >= 0) times.push(1_000 * (performance.now() - begin));
      if (found !== matches) throw new Error(`${found} entries match, not ${matches}`);
    }
  }
  return Float64Array.from(times).sort();
}

function memory(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('start with --expose-gc');
  for (let i = 0; i < 3; i++) gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
