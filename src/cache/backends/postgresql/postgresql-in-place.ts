import { randomBytes } from 'node:crypto';
import type { ControlClient, QueryOptions } from '../../../postgres/control-client';
import { quoteIdentifier } from '../../../query/ast/quote';
import type { Fragment, FragmentHash } from '../../../query/fragment/fragment';
import type { PartitionKeyType } from '../../../query/partition-key';
import type { EntryDescription, LazyKeys } from '../../cache-backend';
import { outOfRange } from '../../check-entry';
import { encodeChange } from '../../change-message';
import { stringifyTagged } from '../../codecs/tagged-json';
import type { InPlaceEntry, InPlaceResult, InPlaceStore } from '../../in-place';
import { cacheQuery, type CacheSchema, forCache } from './cache-schema';
import type { CacheStatements } from './cache-statements';
import { hashBytes } from './entry-row';
import { columnTypes, inPlaceQuery } from './in-place-query';
import type { KeyStorage } from './key-storage';
import { lazyKeys } from './lazy-keys';

export interface InPlaceOptions {
  readonly storage: KeyStorage;
  readonly schema: CacheSchema;
  /** Where changes are told. */
  readonly channel: string;
  /** As whom: another name than the backend's own, which is to hear of them as all others do. */
  readonly teller: string;
  /** Over the store's own connections. */
  readonly statements: CacheStatements;
  readonly describe: InPlaceStore['describe'];
  /** What a partition key is registered as. */
  readonly datatypeOf: (partitionKey: string) => Promise<PartitionKeyType | undefined>;
}

/** A row of sql/cache/queries/populate-entry.sql. */
type PopulatedRow = {
  readonly key_count: string;
  readonly row_count: string;
  readonly weight: string;
  readonly outside: string | null;
  /** Written ones: 1 or 0. */
  readonly entries: number;
};

/** undefined if the server cannot make key sets of this form. */
export function inPlaceStore(options: InPlaceOptions): InPlaceStore | undefined {
  const { storage } = options;
  if (storage.column('integer') === 'roaring' && storage.extension === undefined) return undefined;
  return new PostgresqlInPlace(options);
}

/** Keys of a PostgreSQL database, written into its tables without leaving it. */
class PostgresqlInPlace implements InPlaceStore {
  constructor(private readonly options: InPlaceOptions) {}

  describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined> {
    return this.options.describe(partitionKey, hash);
  }

  lazy(entries: readonly EntryDescription[]): LazyKeys | undefined {
    return lazyKeys(entries, this.options.storage, this.options.schema);
  }

  /**
   * Two addresses may be of one database, and one address of two, one after the other; a copy of a server has the identity of the original.
   * So a lock is taken over one connection and looked for over the other.
   */
  async problem(
    client: ControlClient,
    { partitionKey, datatype }: Fragment,
    limits: QueryOptions,
  ): Promise<string | undefined> {
    const { schema, statements } = this.options;
    const lock = randomBytes(8).readBigInt64BE().toString();
    const named = (name: string): string =>
      `${quoteIdentifier(schema.schema)}.${quoteIdentifier(`${schema.tablePrefix}${name}`)}`;
    const parameters = [
      lock,
      quoteIdentifier(schema.schema),
      named('entry'),
      `${named('evaluate')}(pg_catalog.text, pg_catalog.anyelement)`,
      `${named('bits_of')}(pg_catalog.int8[])`,
    ];
    const [row] = await client.query<{ problem: string | null }>(
      this.statement('can-populate'),
      parameters,
      limits,
    );
    if (row?.problem !== null) return row?.problem ?? 'the database of the fragments gave no answer';
    const [held] = await statements.query<{ is_held: boolean }>('holds-lock', [lock]);
    if (held?.is_held !== true) return 'key sets are kept in another database';
    // As `put` asks, which tells what is to be done about it.
    const registered = await this.options.datatypeOf(partitionKey);
    return registered === datatype
      ? undefined
      : `the partition key ${partitionKey} is ${registered === undefined ? 'not registered' : `registered as ${registered}, not ${datatype}`}`;
  }

  async write(client: ControlClient, entry: InPlaceEntry, limits: QueryOptions): Promise<InPlaceResult> {
    const { storage, schema, channel, teller } = this.options;
    const { fragment, keys, snapshot, origin, startedAt, elapsedMs, maxKeys, maxBytes, kept } = entry;
    const { partitionKey, hash, datatype } = fragment;
    const column = storage.column(datatype);
    const query = inPlaceQuery(column, storage, schema, keys, { maxKeys, maxBytes });
    if (query === undefined) throw new Error(`${storage.name}: keys cannot be written in place`);
    const [row] = await client.query<PopulatedRow>(
      this.statement('populate-entry', { column, type: columnTypes[column] }),
      [
        query,
        storage.name,
        partitionKey,
        hashBytes(hash),
        stringifyTagged(fragment),
        snapshot,
        origin === undefined ? null : JSON.stringify(origin),
        startedAt,
        elapsedMs,
        kept?.computeMs ?? null,
        kept?.lastUsedAt ?? null,
        maxKeys,
        maxBytes,
        channel,
        encodeChange({ by: teller, partitionKey, hash }),
      ],
      limits,
    );
    if (row === undefined) throw new Error('populate-entry.sql returned no row');
    if (row.entries === 1) return { kind: 'written', keyCount: Number(row.key_count) };
    if (Number(row.row_count) > maxKeys) return { kind: 'too_many_keys' };
    if (Number(row.weight) > maxBytes) return { kind: 'too_many_bytes' };
    const { integerRange } = storage.capabilities;
    if (row.outside === null || integerRange === undefined)
      throw new Error('populate-entry.sql wrote nothing, and did not say why');
    const outside = BigInt(row.outside);
    const { message } = outOfRange(storage.name, integerRange, partitionKey, outside);
    return { kind: 'out_of_range', error: message };
  }

  private statement(name: string, others: Readonly<Record<string, string>> = {}) {
    return forCache(cacheQuery(name), this.options.schema, others);
  }
}
