import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
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
} from '../../cache-backend';
import type { CacheWarning } from '../../cache-warning';
import { ChangeFeed } from '../../change-feed';
import { checkEntry, checkRegistration } from '../../check-entry';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { type EntryUse, noBenefit, withBenefit } from '../../entry-benefit';
import type { KeySet } from '../../key-set';
import { intersectKeySets } from '../../key-sets/intersect-key-sets';
import { SerialQueue } from '../../serial-queue';
import type { NotedUse, NotedUses } from '../../use-notes';
import { UseWriter } from '../../use-writer';
import { dropIndexOperations, indexOperations, readIndex } from './entry-index';
import {
  decodeUse,
  type EntryName,
  entryOperations,
  type KeySetCodec,
  readDescription,
  readEntry,
  removeOperations,
} from './entry-records';
import { registrationsOperation } from './registrations';
import { ReplaceableStore } from './replaceable-store';
import type { RocksdbStore } from './rocksdb-store';
import { entryKey } from './store-layout';
import { writeNotes } from './write-notes';

export interface RocksdbOptions {
  /** The directory of the cache, of its own; made if it is not there. */
  readonly path: string;
  readonly warn: CacheWarning;
}

/** What tells one backend on RocksDB from another. */
export interface RocksdbFormat extends KeySetCodec {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
}

/** Descriptions a listing reads between two turns of its caller. */
const describedAtOnce = 500;

/**
 * Entries in a RocksDB directory that this process has for itself.
 *
 * Every change is one batch and is on disk before its promise resolves. That is not only so that nothing is lost: an older
 * entry that came back after a loss of power could lack keys whose changes are compacted away already (rule F6).
 * Changes run one after the other; reads run beside them, each from one snapshot.
 *
 * A damaged record is a missing entry: removed, with a warning. A damaged store is set aside, also while it is in use; all
 * that was in it is then missing, and the change feed says so.
 */
export class RocksdbBackend implements CacheBackend {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
  private readonly writes = new SerialQueue();
  private readonly notes: UseWriter;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly format: RocksdbFormat,
    private readonly warn: CacheWarning,
    private readonly stores: ReplaceableStore,
    private readonly changes: ChangeFeed,
  ) {
    this.name = format.name;
    this.capabilities = format.capabilities;
    const write = (notes: ReadonlyMap<string, NotedUses>): Promise<void> =>
      this.writes.run(() =>
        this.stores.attempt((store) => writeNotes(store, notes, (record) => this.readUse(record))),
      );
    this.notes = new UseWriter(format.name, write, warn);
  }

  /** Rejects with StartError if the directory is in use or cannot be used; see openCacheStore. */
  static async open(format: RocksdbFormat, { path, warn }: RocksdbOptions): Promise<RocksdbBackend> {
    const changes = new ChangeFeed(warn);
    const stores = await ReplaceableStore.open(format.name, path, warn, () => {
      for (const partitionKey of stores.registered.keys()) changes.publish({ kind: 'dropped', partitionKey });
    });
    return new RocksdbBackend(format, warn, stores, changes);
  }

  async registerPartitionKey(
    partitionKey: string,
    datatype: PartitionKeyType,
    extent?: DataExtent,
  ): Promise<void> {
    await this.change(async (store) => {
      const known = this.stores.registered.get(partitionKey);
      checkRegistration(this.name, this.capabilities, partitionKey, datatype, known, extent);
      if (known !== undefined) return;
      const registered = new Map(this.stores.registered).set(partitionKey, datatype);
      await store.write([registrationsOperation(registered)], { sync: true });
      this.stores.registered.set(partitionKey, datatype);
    });
  }

  async partitionKeys(): Promise<ReadonlyMap<string, PartitionKeyType>> {
    this.checkOpen();
    return new Map(this.stores.registered);
  }

  async put(entry: CacheEntry): Promise<void> {
    await this.change(async (store) => {
      const { partitionKey, hash } = entry.fragment;
      checkEntry(this.name, this.capabilities, entry, this.stores.registered.get(partitionKey));
      const listing = await indexOperations(store, partitionKey, hash, { isListed: true });
      const [used] = await store.getMany([entryKey(partitionKey, hash, 'use')]);
      const { operations, description } = entryOperations(entry, this.format, this.readUse(used));
      await store.write([...operations, ...listing], { sync: true });
      this.notes.forget(partitionKey, hash);
      this.changes.publish({ kind: 'put', entry: description });
    });
  }

  async get(partitionKey: string, hash: FragmentHash): Promise<CacheEntry | undefined> {
    const name = this.entryName(partitionKey, hash);
    if (name === undefined) return undefined;
    return this.whole(name, () =>
      this.stores.attempt(async (store) => {
        const [description, use, keySet] = await store.getMany([
          entryKey(partitionKey, hash, 'description'),
          entryKey(partitionKey, hash, 'use'),
          entryKey(partitionKey, hash, 'keySet'),
        ]);
        if (description === undefined) return undefined;
        return this.withUse(readEntry(name, description, keySet, this.format), use);
      }),
    );
  }

  async describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined> {
    this.checkOpen();
    const [description] = await this.describeMany(partitionKey, [hash]);
    return description;
  }

  async delete(partitionKey: string, hash: FragmentHash): Promise<boolean> {
    return this.change(async (store) => {
      if (!this.stores.registered.has(partitionKey)) return false;
      const [description] = await store.getMany([entryKey(partitionKey, hash, 'description')]);
      if (description === undefined) return false;
      await this.remove(store, partitionKey, hash);
      return true;
    });
  }

  async intersect(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection> {
    this.checkOpen();
    const datatype = this.stores.registered.get(partitionKey);
    if (datatype === undefined) return { hits: [], keys: undefined };
    const asked = [...new Set(hashes)];
    const records = await this.stores.attempt((store) =>
      store.getMany(asked.map((hash) => entryKey(partitionKey, hash, 'keySet'))),
    );
    const sets = new Map<FragmentHash, KeySet>();
    for (const [i, hash] of asked.entries()) {
      const record = records[i];
      if (record === undefined) continue;
      const keys = await this.whole({ partitionKey, datatype, hash }, async () =>
        this.format.decode(datatype, record),
      );
      if (keys !== undefined) sets.set(hash, keys);
    }
    return { hits: [...sets.keys()], keys: intersectKeySets([...sets.values()]) };
  }

  async *list(partitionKey?: string): AsyncGenerator<EntryDescription, void, undefined> {
    this.checkOpen();
    for (const name of partitionKey === undefined ? [...this.stores.registered.keys()] : [partitionKey]) {
      const hashes = await this.listed(name);
      for (let i = 0; i < hashes.length; i += describedAtOnce) {
        this.checkOpen();
        yield* await this.describeMany(name, hashes.slice(i, i + describedAtOnce));
      }
    }
  }

  async count(partitionKey: string): Promise<number> {
    this.checkOpen();
    return (await this.listed(partitionKey)).length;
  }

  async dropPartitionKey(partitionKey: string): Promise<number> {
    return this.change(async (store) => {
      if (!this.stores.registered.has(partitionKey)) return 0;
      const registered = new Map(this.stores.registered);
      registered.delete(partitionKey);
      const hashes = await readIndex(store, partitionKey);
      // One batch, however large: half a partition key would be entries without keys.
      const operations = [
        registrationsOperation(registered),
        ...dropIndexOperations(partitionKey),
        ...hashes.flatMap((hash) => removeOperations(partitionKey, hash)),
      ];
      await store.write(operations, { sync: true });
      this.stores.registered.delete(partitionKey);
      this.notes.forgetPartitionKey(partitionKey);
      this.changes.publish({ kind: 'dropped', partitionKey });
      return hashes.length;
    });
  }

  async touch(partitionKey: string, uses: readonly EntryUse[]): Promise<void> {
    this.checkOpen();
    if (!this.stores.registered.has(partitionKey)) return;
    return this.notes.note(partitionKey, uses);
  }

  subscribe(listener: (change: CacheChange) => void): () => void {
    return this.changes.subscribe(listener);
  }

  /** Writes what is noted, waits for what is under way, and gives the directory free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closing ??= this.close();
    return this.closing;
  }

  private async close(): Promise<void> {
    await this.notes.flush();
    await this.writes.idle();
    await this.stores.close();
    this.changes.close();
  }

  /** A change of the store: after the changes before it, and told to the feed before the next one begins. */
  private async change<T>(operation: (store: RocksdbStore) => Promise<T>): Promise<T> {
    this.checkOpen();
    return this.writes.run(() => this.stores.attempt(operation));
  }

  /** What `read` gives of an entry; undefined, and the entry is gone, if its records are damaged. */
  private async whole<T>(name: EntryName, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedRecordError)) throw error;
      await this.discard(name, error);
      return undefined;
    }
  }

  private async discard(name: EntryName, cause: DamagedRecordError): Promise<void> {
    const { partitionKey, hash } = name;
    await this.change(async (store) => {
      const [description, keySet] = await store.getMany([
        entryKey(partitionKey, hash, 'description'),
        entryKey(partitionKey, hash, 'keySet'),
      ]);
      // Since it was read, somebody may have put a sound one in its place.
      if (this.isSound(name, description, keySet)) return;
      await this.remove(store, partitionKey, hash);
      this.warn(`${this.name}: entry ${hash} of ${partitionKey} ${cause.message}; it is removed`, cause);
    });
  }

  private isSound(name: EntryName, description: Buffer | undefined, keySet: Buffer | undefined): boolean {
    if (description === undefined) return keySet === undefined;
    try {
      readEntry(name, description, keySet, this.format);
      return true;
    } catch (error) {
      if (error instanceof DamagedRecordError) return false;
      throw error;
    }
  }

  private async remove(store: RocksdbStore, partitionKey: string, hash: FragmentHash): Promise<void> {
    const listing = await indexOperations(store, partitionKey, hash, { isListed: false });
    await store.write([...removeOperations(partitionKey, hash), ...listing], { sync: true });
    this.notes.forget(partitionKey, hash);
    this.changes.publish({ kind: 'deleted', partitionKey, hash });
  }

  private async listed(partitionKey: string): Promise<readonly FragmentHash[]> {
    if (!this.stores.registered.has(partitionKey)) return [];
    return this.stores.attempt((store) => readIndex(store, partitionKey));
  }

  /** The descriptions of those entries that exist, in the order asked. */
  private async describeMany(
    partitionKey: string,
    hashes: readonly FragmentHash[],
  ): Promise<EntryDescription[]> {
    const datatype = this.stores.registered.get(partitionKey);
    if (datatype === undefined) return [];
    const keys = (['description', 'use'] as const).flatMap((part) =>
      hashes.map((hash) => entryKey(partitionKey, hash, part)),
    );
    const records = await this.stores.attempt((store) => store.getMany(keys));
    const descriptions: EntryDescription[] = [];
    for (const [i, hash] of hashes.entries()) {
      const record = records[i];
      if (record === undefined) continue;
      const name = { partitionKey, datatype, hash };
      const description = await this.whole(name, async () => readDescription(name, record));
      if (description !== undefined) descriptions.push(this.withUse(description, records[hashes.length + i]));
    }
    return descriptions;
  }

  private withUse<T extends EntryDescription>(entry: T, record: Buffer | undefined): T {
    const use = this.readUse(record);
    const lastUsedAt = Math.max(entry.lastUsedAt, use.at);
    return this.notes.latest(withBenefit({ ...entry, lastUsedAt }, use));
  }

  /** Damaged notes of use are no reason to give the entry up. */
  private readUse(record: Buffer | undefined): NotedUse {
    try {
      if (record !== undefined) return decodeUse(record);
    } catch (error) {
      if (!(error instanceof DamagedRecordError)) throw error;
      this.warn(`${this.name}: a note of use ${error.message}`, error);
    }
    return { at: -Infinity, ...noBenefit };
  }

  /** Undefined if the partition key is not registered, so that there is no entry. */
  private entryName(partitionKey: string, hash: FragmentHash): EntryName | undefined {
    this.checkOpen();
    const datatype = this.stores.registered.get(partitionKey);
    return datatype === undefined ? undefined : { partitionKey, datatype, hash };
  }

  private checkOpen(): void {
    if (this.closing !== undefined) throw new CacheUnavailableError(this.name, 'it is closed');
  }
}
