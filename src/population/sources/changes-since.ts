import type { CacheEntry, EntryOrigin } from '../../cache/cache-backend';
import type { KeySet } from '../../cache/key-set';
import { createKeySet } from '../../cache/key-sets/create-key-set';
import { changedKeysSql, type Freshness } from '../../freshness/fresh-keys';
import { trackingQuery } from '../../freshness/tracking-schema';
import type { ControlClient, QueryOptions } from '../../postgres/control-client';
import type { ControlPool } from '../../postgres/control-pool';
import type { PartitionKey, PartitionKeyType, PartitionValue } from '../../query/partition-key';
import { quoteArray } from '../../query/ast/quote';
import { keyTypeOid, readBinaryKey } from './binary-key';

/** What the change log says of an entry. */
export interface ChangedKeys {
  readonly changed: ReadonlySet<PartitionValue>;
  /** A SELECT of them, `c.key`, whether or not they are in the entry: they are to be looked at. */
  readonly sql: string;
}

/** What an entry says of the keys a run would find, so that it need not look for all of them. */
export interface KnownKeys {
  /** Keys of the entry that hold. */
  readonly kept: readonly PartitionValue[];
  /** The condition on `f.key` that the others meet. */
  readonly condition: string;
}

/** What an entry, or several together, have seen. */
interface Seen {
  readonly fragment: { readonly datatype: PartitionKeyType };
  readonly snapshot?: string | undefined;
  readonly origin?: EntryOrigin | undefined;
}

/** The log that keys of a datatype are in. Those of timestamp can be in any of three. */
const elementTypes = { integer: 'int8', float: 'float8', text: 'text' } as const;

/** The row of sql/freshness/queries/changed-keys.sql. */
type ChangeRow = { readonly is_unusable: boolean; readonly key: string | null };

/**
 * Undefined if it cannot be said what has changed since, or is no easier than to look at everything. Asked in the transaction that runs
 * the fragment, so that both see the same.
 *
 * @param schema where the change log is
 */
export async function changedSince(
  client: ControlClient,
  schema: string,
  { fragment: { datatype }, snapshot, origin }: Seen,
  limits: QueryOptions,
): Promise<ChangedKeys | undefined> {
  const elementType = elementTypeOf(datatype);
  if (snapshot === undefined || origin === undefined || elementType === undefined) return undefined;
  const { sources, reads, epoch, server } = origin;
  const rows = await client.query<ChangeRow>(
    trackingQuery('changed-keys', schema),
    [snapshot, list(sources), list(reads), epoch, server],
    limits,
  );
  if (rows.length === 0 || rows.some(({ is_unusable }) => is_unusable)) return undefined;
  const changed = new Set<PartitionValue>();
  for (const { key } of rows) {
    if (key === null) continue;
    const record = Buffer.from(key, 'hex');
    const value = readBinaryKey(datatype, record, keyTypeOid(record));
    if (value !== null) changed.add(value);
  }
  return { changed, sql: changedKeysSql(schema, elementType, snapshot, sources) };
}

/** As changedSince, by itself: the keys that have changed by now. Rejects as the pool's queries do. */
export async function readChangedKeys(
  pool: ControlPool,
  {
    partitionKey: { datatype },
    freshness,
  }: { readonly partitionKey: PartitionKey; readonly freshness: Freshness },
): Promise<KeySet | undefined> {
  const seen = { fragment: { datatype }, snapshot: freshness.seen, origin: freshness };
  const found = await pool.withClient((client) => changedSince(client, freshness.schema, seen, {}));
  return found === undefined ? undefined : createKeySet(datatype, found.changed);
}

/** As changedSince, of an entry with its keys. */
export async function changesSince(
  client: ControlClient,
  schema: string,
  entry: CacheEntry,
  limits: QueryOptions,
): Promise<KnownKeys | undefined> {
  const { keys } = entry;
  const found = keys === undefined ? undefined : await changedSince(client, schema, entry, limits);
  if (keys === undefined || found === undefined) return undefined;
  return {
    kept: [...keys.values()].filter((key) => !found.changed.has(key)),
    condition: `f.key operator(pg_catalog.=) any (array(${found.sql}))`,
  };
}

/**
 * All keys of an entry are kept, so that only those it has not are looked for: more than qualify, perhaps, and never fewer. Undefined for an entry
 * without keys, or whose datatype does not tell how they compare.
 */
export function besidesKnown({ fragment: { datatype }, keys }: CacheEntry): KnownKeys | undefined {
  const elementType = elementTypeOf(datatype);
  if (keys === undefined || elementType === undefined) return undefined;
  const array = quoteArray(keys.values(), datatype, elementType);
  return {
    kept: [...keys.values()],
    // A new row without a key is one that the entry's flag has to tell of.
    condition: `(f.key is null or f.key operator(pg_catalog.<>) all (${array}))`,
  };
}

function elementTypeOf(datatype: PartitionKeyType): 'int8' | 'float8' | 'text' | undefined {
  return datatype === 'timestamp' ? undefined : elementTypes[datatype];
}

function list(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
