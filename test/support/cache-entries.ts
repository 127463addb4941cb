import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type {
  CacheCapabilities,
  CacheEntry,
  EntryDescription,
  EntryStatus,
} from '../../src/cache/cache-backend';
import type { EntryUse } from '../../src/cache/entry-benefit';
import type { KeySet } from '../../src/cache/key-set';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import type { Fragment, FragmentHash } from '../../src/query/fragment/fragment';
import type { PartitionKeyType, PartitionValue } from '../../src/query/partition-key';

export const minInt64 = -(2n ** 63n);
export const maxInt64 = 2n ** 63n - 1n;

/** Values every backend must keep exactly, by datatype: the ends of the range and what is easily mangled. */
export const awkwardValues: Readonly<Record<PartitionKeyType, readonly PartitionValue[]>> = {
  integer: [minInt64, -(2n ** 53n) - 1n, -1n, 0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, maxInt64],
  timestamp: [minInt64, -1n, 0n, 1n, 765_432_109_876_543n, maxInt64],
  float: [-Infinity, -1.5, -Number.MIN_VALUE, 0, 0.1, Number.MAX_VALUE, Infinity, NaN],
  // In the order of their UTF-8 bytes, which is the order of key sets.
  text: [
    '',
    ' ',
    '"',
    "'",
    '\\',
    '{}',
    'NULL',
    'a,b',
    'é',
    'e\u0301',
    '\n\t\r',
    '\ufffd',
    '𐀀',
    '👩‍👩‍👧',
    '$1',
    '-- x',
    '%s',
    '\x01',
  ]
    .map((text) => Buffer.from(text))
    .sort(Buffer.compare)
    .map((bytes) => bytes.toString()),
};

/** Those a backend has room for, and the ends of its range. */
export function awkwardValuesFor(
  datatype: PartitionKeyType,
  { integerRange }: Pick<CacheCapabilities, 'integerRange'>,
): readonly PartitionValue[] {
  if (datatype !== 'integer' || integerRange === undefined) return awkwardValues[datatype];
  const { min, max } = integerRange;
  const inside = (awkwardValues.integer as readonly bigint[]).filter((key) => key >= min && key <= max);
  const values = new Set([min, 7n, 8n, ...inside, max - 1n, max]);
  return [...values].sort((a, b) => (a < b ? -1 : 1));
}

export const partitionValues: Readonly<Record<PartitionKeyType, fc.Arbitrary<PartitionValue>>> = {
  integer: fc.oneof(fc.bigInt({ min: -50n, max: 50n }), fc.bigInt({ min: minInt64, max: maxInt64 })),
  // From 4713 BC to 294276 AD, and the infinities: all that PostgreSQL has.
  timestamp: fc.oneof(
    fc.bigInt({ min: -50n, max: 50n }),
    fc.bigInt({ min: -211_813_488_000_000_000n, max: 9_223_371_331_199_999_999n }),
    fc.constantFrom(minInt64, maxInt64),
  ),
  float: fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double()),
  text: fc.oneof(
    fc.constantFrom('a', 'b', 'c', 'ab'),
    fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
  ),
};

/** Key sets of a datatype, with some chance of common keys between two of them. */
export function keySets(
  datatype: PartitionKeyType,
  { integerRange }: Pick<CacheCapabilities, 'integerRange'> = {},
): fc.Arbitrary<KeySet> {
  const values =
    datatype === 'integer' && integerRange !== undefined
      ? fc.oneof(fc.bigInt({ min: integerRange.min, max: integerRange.min + 100n }), fc.bigInt(integerRange))
      : partitionValues[datatype];
  return fc
    .tuple(fc.array(values, { maxLength: 60 }), fc.boolean())
    .map(([values, hasNullKey]) => createKeySet(datatype, values, { hasNullKey }));
}

export function hashOf(text: string): FragmentHash {
  return createHash('sha256').update(text).digest('hex') as FragmentHash;
}

/** A fragment like those queries have; `text` makes it differ from others, also in its hash. */
export function sampleFragment(partitionKey: string, datatype: PartitionKeyType, text = 'a'): Fragment {
  return {
    hash: hashOf(text),
    partitionKey,
    datatype,
    tables: [{ schema: 'public', name: 'place', only: false, keyColumn: 'region_id' }],
    conjuncts: [{ template: `{0}.name = '${text}'`, slots: [0] }],
    sql: `SELECT DISTINCT t1.region_id FROM public.place t1 WHERE t1.name = '${text}'`,
    contextId: 'c'.repeat(64),
    settings: { TimeZone: 'UTC', DateStyle: 'ISO, MDY' },
  };
}

/** A computed entry with these keys. */
export function sampleEntry(
  keys: KeySet,
  {
    partitionKey = 'region',
    text = 'a',
    at = 1_000,
  }: { partitionKey?: string; text?: string; at?: number } = {},
): CacheEntry {
  return {
    fragment: sampleFragment(partitionKey, keys.datatype, text),
    status: 'ok',
    keyCount: keys.size,
    hasNullKey: keys.hasNullKey,
    snapshot: '100:200:150,160',
    origin: {
      epoch: '0b6cf6b6-5d3a-4e0a-8a39-2f9f2ac3d8f1',
      server: 'timeline 00000001',
      sources: [1, 2],
      reads: [7],
    },
    createdAt: at,
    lastUsedAt: at,
    computeMs: 12.5,
    error: undefined,
    keys,
  };
}

/** An entry whose computation did not end well. */
export function failedEntry(
  status: Exclude<EntryStatus, 'ok'>,
  datatype: PartitionKeyType,
  { partitionKey = 'region', text = 'a' }: { partitionKey?: string; text?: string } = {},
): CacheEntry {
  return {
    fragment: sampleFragment(partitionKey, datatype, text),
    status,
    keyCount: 0,
    hasNullKey: false,
    snapshot: undefined,
    createdAt: 1_000,
    lastUsedAt: 1_000,
    computeMs: 60_000,
    error: `it ended with ${status}`,
    failures: 3,
    keys: undefined,
  };
}

/** One use of each, at that time. */
export function used(hashes: readonly FragmentHash[], at: number): readonly EntryUse[] {
  return hashes.map((hash) => ({ hash, at, uses: 1, savedMs: 0 }));
}

/** A description without what the store says of the bytes it takes: those of two stores differ. */
export function withoutBytes<T extends { readonly bytes?: number }>({
  bytes: _bytes,
  ...rest
}: T): Omit<T, 'bytes'> {
  return rest;
}

/** An entry as plain data, without its bytes, so that any two implementations of KeySet compare equal if they hold the same. */
export function plainEntry(entry: CacheEntry | undefined): unknown {
  if (entry === undefined) return undefined;
  return { ...withoutBytes(entry), keys: plainKeys(entry.keys) };
}

export function plainKeys(keys: KeySet | undefined): unknown {
  return keys && { datatype: keys.datatype, hasNullKey: keys.hasNullKey, values: [...keys.values()] };
}

/** The description of an entry: all but its keys. */
export function descriptionOf({ keys: _keys, ...description }: CacheEntry): EntryDescription {
  return description;
}
