import { randomUUID } from 'node:crypto';
import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
import { ControlQueryError } from '../../../errors/control-query-error';
import { UnknownPartitionKeyError } from '../../../errors/unknown-partition-key-error';
import type { ControlRow } from '../../../postgres/control-client';
import type { ControlPool } from '../../../postgres/control-pool';
import type { FragmentHash } from '../../../query/fragment/fragment';
import type { PartitionKeyType } from '../../../query/partition-key';
import type {
  CacheBackend,
  CacheCapabilities,
  CacheChange,
  CacheEntry,
  DataExtent,
  EntryDescription,
  Intersection,
  LazyKeys,
} from '../../cache-backend';
import type { CacheWarning } from '../../cache-warning';
import { decodeChange, encodeChange } from '../../change-message';
import { checkEntry, checkRegistration } from '../../check-entry';
import { describeEntry } from '../../codecs/description-codec';
import type { EntryUse } from '../../entry-benefit';
import { createKeySet } from '../../key-sets/create-key-set';
import { intersectKeySets } from '../../key-sets/intersect-key-sets';
import type { InPlaceStore } from '../../in-place';
import { type ChangedPlace, SharedChangeFeed } from '../../shared-change-feed';
import type { NotedUses } from '../../use-notes';
import { UseWriter } from '../../use-writer';
import { type CacheSchema, changeChannel } from './cache-schema';
import { CacheStatements } from './cache-statements';
import { ChangeListener } from './change-listener';
import { type EntryRow, hashBytes, type IntersectionRow, parametersOf } from './entry-row';
import type { KeyColumn, KeyStorage } from './key-storage';
import { lazyKeys } from './lazy-keys';
import { inPlaceStore } from './postgresql-in-place';
import { RowReader } from './row-reader';

export interface PostgresqlOptions {
  /** Closed with the backend. With room for one connection that listens besides those that work. */
  readonly pool: ControlPool;
  readonly schema: CacheSchema;
  readonly warn: CacheWarning;
}

const foreignKeyViolation = '23503';
/** Descriptions of a listing that are read at once. */
const readAtOnce = 2_000;
const firstHash = Buffer.alloc(0);

/**
 * Entries in tables of a PostgreSQL database, which many processes may share. An entry is a row, so it is there whole or not at
 * all. Changes by others are heard of through NOTIFY, and looked at as they are by then: told late or twice, they still
 * lead to what is in the table. While nobody could be heard, everything may have changed: all is told anew afterwards.
 */
export class PostgresqlBackend implements CacheBackend {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
  readonly inPlace: InPlaceStore | undefined;
  private readonly changes: SharedChangeFeed;
  private readonly notes: UseWriter;
  private readonly channel: string;
  private readonly self = randomUUID();
  private readonly statements: CacheStatements;
  private readonly rows: RowReader;
  private readonly registered = new Map<string, PartitionKeyType>();
  private listener: ChangeListener | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly storage: KeyStorage,
    private readonly options: PostgresqlOptions,
  ) {
    this.name = storage.name;
    this.capabilities = storage.capabilities;
    const { pool, schema } = options;
    this.statements = new CacheStatements(storage, schema, pool);
    this.rows = new RowReader(storage, options.warn);
    this.changes = new SharedChangeFeed(this, options.warn);
    this.notes = new UseWriter(this.name, (notes) => this.writeNotes(notes), options.warn);
    this.channel = changeChannel(schema, this.name);
    this.inPlace = inPlaceStore({
      ...{ storage, schema, statements: this.statements, channel: this.channel },
      teller: randomUUID(),
      describe: (partitionKey, hash) => this.describe(partitionKey, hash),
      datatypeOf: (partitionKey) => this.datatypeOf(partitionKey),
    });
  }

  /** Rejects with CacheUnavailableError. The schema must be up to date; see migrations.ts. */
  static async open(storage: KeyStorage, options: PostgresqlOptions): Promise<PostgresqlBackend> {
    const backend = new PostgresqlBackend(storage, options);
    try {
      await backend.statements.attempt(() => backend.start());
    } catch (error) {
      // It keeps a connection, and a pool is not closed before it has all of them back.
      await backend.listener?.[Symbol.asyncDispose]();
      throw error;
    }
    return backend;
  }

  async registerPartitionKey(
    partitionKey: string,
    datatype: PartitionKeyType,
    extent?: DataExtent,
  ): Promise<void> {
    checkRegistration(this.name, this.capabilities, partitionKey, datatype, undefined, extent);
    const [row] = await this.query<{ datatype: PartitionKeyType }>('register-partition-key', [
      this.name,
      partitionKey,
      datatype,
    ]);
    // Somebody who was faster by less than this statement's snapshot is seen by the next one.
    const known = row?.datatype ?? (await this.partitionKeys()).get(partitionKey);
    checkRegistration(this.name, this.capabilities, partitionKey, datatype, known, extent);
    this.registered.set(partitionKey, datatype);
    this.changes.knows(partitionKey);
  }

  async partitionKeys(): Promise<ReadonlyMap<string, PartitionKeyType>> {
    const rows = await this.query<{ name: string; datatype: PartitionKeyType }>('list-partition-keys', [
      this.name,
    ]);
    this.registered.clear();
    for (const { name, datatype } of rows) this.registered.set(name, datatype);
    return new Map(this.registered);
  }

  async put(entry: CacheEntry): Promise<void> {
    this.checkOpen();
    const { partitionKey, hash, datatype } = entry.fragment;
    checkEntry(this.name, this.capabilities, entry, await this.datatypeOf(partitionKey));
    const keys = entry.keys === undefined ? null : this.storage.encode(entry.keys);
    const place = { partitionKey, hash };
    const description = describeEntry(entry, keys?.length ?? 0);
    const parameters = [this.name, ...parametersOf(description), keys, this.channel, this.messageOf(place)];
    const write = () =>
      this.query('put-entry', parameters, this.storage.column(datatype)).catch((error: unknown) => {
        this.registered.delete(partitionKey);
        throw isForeignKeyViolation(error) ? new UnknownPartitionKeyError(this.name, partitionKey) : error;
      });
    await this.changes.make(place, write, () => {
      this.notes.forget(partitionKey, hash);
      return { kind: 'put', entry: description };
    });
  }

  async get(partitionKey: string, hash: FragmentHash): Promise<CacheEntry | undefined> {
    const [row] = await this.query<EntryRow & { keys: Buffer | null }>('get-entry', [
      this.name,
      partitionKey,
      hashBytes(hash),
    ]);
    if (row === undefined) {
      this.changes.heard({ partitionKey, hash });
      return undefined;
    }
    const description = this.described(partitionKey, row);
    if (description === undefined) return undefined;
    if (row.status !== 'ok') return { ...description, keys: undefined };
    const keys = this.rows.keys(description, row.keys);
    if (keys !== undefined) return { ...description, keys };
    this.discard(partitionKey, hash);
    return undefined;
  }

  async describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined> {
    const [description] = await this.describeMany(partitionKey, [hash]);
    return description;
  }

  async delete(partitionKey: string, hash: FragmentHash): Promise<boolean> {
    const place = { partitionKey, hash };
    const parameters = [this.name, partitionKey, hashBytes(hash), this.channel, this.messageOf(place)];
    const write = () => this.query('delete-entry', parameters);
    const deleted = await this.changes.make(place, write, (rows) => {
      this.notes.forget(partitionKey, hash);
      return rows.length === 0 ? undefined : { kind: 'deleted', partitionKey, hash };
    });
    return deleted.length > 0;
  }

  async intersect(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection> {
    this.checkOpen();
    const asked = [...new Set(hashes)];
    const datatype = await this.datatypeOf(partitionKey);
    if (datatype === undefined || asked.length === 0) return { hits: [], keys: undefined };
    const { intersection } = this.storage;
    if (intersection === undefined || asked.length === 1) return this.intersectHere(partitionKey, asked);
    const row = await this.intersection(intersection, partitionKey, datatype, asked);
    // Read one by one, those that are damaged are found, and removed.
    if (row?.is_sound !== true) return this.intersectHere(partitionKey, asked);
    const hits = new Set(row.hits);
    if (hits.size === 0) return { hits: [], keys: undefined };
    const hasNullKey = row.has_null_key;
    const keys =
      row.keys === null
        ? createKeySet(datatype, [], { hasNullKey })
        : this.storage.decode(datatype, row.keys, hasNullKey);
    return { hits: asked.filter((hash) => hits.has(hash)), keys };
  }

  lazy(entries: readonly EntryDescription[]): LazyKeys | undefined {
    return lazyKeys(entries, this.storage, this.options.schema);
  }

  async *list(partitionKey?: string): AsyncGenerator<EntryDescription, void, undefined> {
    const names = partitionKey === undefined ? [...(await this.partitionKeys()).keys()] : [partitionKey];
    for (const name of names) {
      let last: Buffer = firstHash;
      for (;;) {
        const rows = await this.query<EntryRow>('list-entries', [this.name, name, last, readAtOnce]);
        for (const row of rows) {
          last = hashBytes(row.hash);
          const description = this.described(name, row);
          if (description !== undefined) yield description;
        }
        if (rows.length < readAtOnce) break;
      }
    }
  }

  async count(partitionKey: string): Promise<number> {
    const [row] = await this.query<{ entries: string }>('count-entries', [this.name, partitionKey]);
    return Number(row?.entries ?? 0);
  }

  async dropPartitionKey(partitionKey: string): Promise<number> {
    const place = { partitionKey };
    const parameters = [this.name, partitionKey, this.channel, this.messageOf(place)];
    const write = () => this.query<{ entries: string }>('drop-partition-key', parameters);
    const [row] = await this.changes.make(place, write, (rows) => {
      this.registered.delete(partitionKey);
      this.notes.forgetPartitionKey(partitionKey);
      return rows.length === 0 ? undefined : { kind: 'dropped', partitionKey };
    });
    return Number(row?.entries ?? 0);
  }

  async touch(partitionKey: string, uses: readonly EntryUse[]): Promise<void> {
    this.checkOpen();
    return this.notes.note(partitionKey, uses);
  }

  subscribe(listener: (change: CacheChange) => void): () => void {
    return this.changes.subscribe(listener);
  }

  /** Writes what is noted, and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closing ??= this.close();
    return this.closing;
  }

  private async start(): Promise<void> {
    const { pool, warn } = this.options;
    this.listener = await ChangeListener.start({
      ...{ pool, warn, channel: this.channel },
      notified: (payload) => this.notified(payload),
      missed: () => this.changes.heard({}),
    });
    await this.partitionKeys();
  }

  private async close(): Promise<void> {
    await this.notes.flush();
    await this.listener?.[Symbol.asyncDispose]();
    await this.changes.close();
    await this.options.pool[Symbol.asyncDispose]();
  }

  /** Removes what is of no use, for it to be computed again. */
  private discard(partitionKey: string, hash: FragmentHash): void {
    void this.delete(partitionKey, hash).catch((error: unknown) => {
      this.options.warn(`${this.name}: a damaged entry could not be removed`, error);
    });
  }

  /** What the server makes of it; undefined if it refuses to. */
  private async intersection(
    name: string,
    partitionKey: string,
    datatype: PartitionKeyType,
    hashes: readonly FragmentHash[],
  ): Promise<IntersectionRow | undefined> {
    const parameters = [this.name, partitionKey, hashes.map(hashBytes)];
    try {
      const [row] = await this.query<IntersectionRow>(name, parameters, this.storage.column(datatype));
      return row;
    } catch (error) {
      // pg_roaringbitmap fails for what is no bitmap.
      if (error instanceof CacheUnavailableError && error.cause instanceof ControlQueryError)
        return undefined;
      throw error;
    }
  }

  private async intersectHere(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection> {
    const entries = await Promise.all(hashes.map((hash) => this.get(partitionKey, hash)));
    const withKeys = entries.filter((entry) => entry?.keys !== undefined);
    return {
      hits: withKeys.flatMap((entry) => entry?.fragment.hash ?? []),
      keys: intersectKeySets(withKeys.flatMap((entry) => entry?.keys ?? [])),
    };
  }

  private async describeMany(
    partitionKey: string,
    hashes: readonly FragmentHash[],
  ): Promise<EntryDescription[]> {
    const rows = await this.query<EntryRow>('describe-entries', [
      this.name,
      partitionKey,
      hashes.map(hashBytes),
    ]);
    return rows.flatMap((row) => this.described(partitionKey, row) ?? []);
  }

  /** undefined, and it is removed, for what cannot be read. */
  private described(partitionKey: string, row: EntryRow): EntryDescription | undefined {
    const description = this.rows.description(partitionKey, row);
    if (description !== undefined) return this.notes.latest(description);
    this.discard(partitionKey, row.hash);
    return undefined;
  }

  private async datatypeOf(partitionKey: string): Promise<PartitionKeyType | undefined> {
    return this.registered.get(partitionKey) ?? (await this.partitionKeys()).get(partitionKey);
  }

  private async writeNotes(notes: ReadonlyMap<string, NotedUses>): Promise<void> {
    for (const [partitionKey, noted] of notes) {
      const uses = [...noted.values()];
      await this.statements.query('touch-entries', [
        this.name,
        partitionKey,
        [...noted.keys()].map(hashBytes),
        uses.map(({ at }) => at),
        uses.map((use) => use.uses),
        uses.map(({ savedMs }) => savedMs),
      ]);
    }
  }

  private messageOf(place: ChangedPlace): string {
    return encodeChange({ by: this.self, ...place });
  }

  private notified(payload: string): void {
    const message = decodeChange(payload);
    if (message === undefined) return;
    if (message.by === this.self) {
      this.changes.heardOwn(message);
      return;
    }
    const { partitionKey, hash } = message;
    if (partitionKey !== undefined && hash === undefined) this.registered.delete(partitionKey);
    if (partitionKey !== undefined && hash !== undefined) this.notes.forget(partitionKey, hash);
    this.changes.heard(message);
  }

  private async query<Row extends ControlRow>(
    name: string,
    parameters: readonly unknown[],
    column?: KeyColumn,
  ): Promise<readonly Row[]> {
    this.checkOpen();
    return this.statements.query(name, parameters, column);
  }

  private checkOpen(): void {
    if (this.closing !== undefined) throw new CacheUnavailableError(this.name, 'it is closed');
  }
}

function isForeignKeyViolation(error: unknown): boolean {
  return (
    error instanceof CacheUnavailableError &&
    error.cause instanceof ControlQueryError &&
    error.cause.sqlState === foreignKeyViolation
  );
}
