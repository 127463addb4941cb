import type { PartitionKeyType } from '../query/partition-key';

/**
 * The stores of key sets, by the name a configuration gives them, and the datatypes each holds: known without opening one. What the
 * opened backends say of themselves is compared with this by a test; their classes are known to src/cli alone.
 */
export const cacheTypes = {
  postgresql_array: ['integer', 'float', 'text', 'timestamp'],
  postgresql_bit: ['integer'],
  postgresql_roaringbit: ['integer'],
  redis_set: ['integer', 'text'],
  redis_bit: ['integer'],
  redis_roaringbit: ['integer'],
  rocksdb_set: ['integer', 'text'],
  rocksdb_bit: ['integer'],
  rocksdict: ['integer', 'float', 'text', 'timestamp'],
  rocksdict_roaringbit: ['integer'],
  memory: ['integer', 'float', 'text', 'timestamp'],
} as const satisfies Readonly<Record<string, readonly PartitionKeyType[]>>;
export type CacheType = keyof typeof cacheTypes;

/** Their names. */
export const cacheTypeNames = Object.keys(cacheTypes) as [CacheType, ...CacheType[]];

/** Whether a store of this type holds keys of this datatype. */
export function holdsDatatype(cacheType: CacheType, datatype: PartitionKeyType): boolean {
  return (cacheTypes[cacheType] as readonly PartitionKeyType[]).includes(datatype);
}

/** Whether a store of this type can be open in one process only; the others are shared by all that use their server. */
export function isForOneProcess(cacheType: CacheType): boolean {
  return !/^(postgresql|redis)_/.test(cacheType);
}

/** Those in tables of PostgreSQL, which SQL can read and fill where they are, and what the server must have for that. */
const inPlace: Readonly<Partial<Record<CacheType, InPlaceAbility>>> = {
  postgresql_array: 'yes',
  postgresql_bit: 'yes',
  postgresql_roaringbit: 'with pg_roaringbitmap',
};
export type InPlaceAbility = 'yes' | 'with pg_roaringbitmap' | 'no';

/** What a store can do. */
export interface CacheTypeDescription {
  readonly datatypes: PartitionKeyType[];
  /** Gives SQL that yields intersected keys where they are (`lazy` of CacheBackend). */
  readonly readsInPlace: InPlaceAbility;
  /** Keys of the database it is in are stored without leaving the server (`inPlace` of CacheBackend). */
  readonly populatesInPlace: InPlaceAbility;
}

/** The datatypes each store holds, by name; a copy, for callers to do with as they like. */
export function listCacheTypes(): Record<CacheType, PartitionKeyType[]> {
  return byName((name) => [...cacheTypes[name]]);
}

/** The same, with what each can do besides. */
export function describeCacheTypes(): Record<CacheType, CacheTypeDescription> {
  return byName((name) => ({
    datatypes: [...cacheTypes[name]],
    readsInPlace: inPlace[name] ?? 'no',
    populatesInPlace: inPlace[name] ?? 'no',
  }));
}

function byName<T>(valueOf: (name: CacheType) => T): Record<CacheType, T> {
  return Object.fromEntries(cacheTypeNames.map((name) => [name, valueOf(name)])) as Record<CacheType, T>;
}
