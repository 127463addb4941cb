import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import type { FragmentHash } from '../../query/fragment/fragment';
import { type PartitionKeyType, partitionKeyTypes } from '../../query/partition-key';
import type {
  CacheBackend,
  CacheChange,
  CacheEntry,
  DataExtent,
  EntryDescription,
  Intersection,
} from '../cache-backend';
import type { CacheWarning } from '../cache-warning';
import { ChangeFeed } from '../change-feed';
import { checkEntry, checkRegistration } from '../check-entry';
import { describeEntry } from '../codecs/description-codec';
import { addBenefit, type EntryUse, noBenefit, withBenefit } from '../entry-benefit';
import type { KeySet } from '../key-set';
import { intersectKeySets } from '../key-sets/intersect-key-sets';

interface RegisteredKey {
  readonly datatype: PartitionKeyType;
  readonly entries: Map<FragmentHash, CacheEntry>;
}

/** Entries in this process's memory, without a limit: for tests, trials, and proxies that may forget when they stop. */
export class MemoryBackend implements CacheBackend {
  readonly name = 'memory';
  readonly capabilities = { keyTypes: new Set(partitionKeyTypes) };
  private readonly registered = new Map<string, RegisteredKey>();
  private readonly changes: ChangeFeed;
  private isClosed = false;

  constructor(options: { readonly warn: CacheWarning }) {
    this.changes = new ChangeFeed(options.warn);
  }

  async registerPartitionKey(
    partitionKey: string,
    datatype: PartitionKeyType,
    extent?: DataExtent,
  ): Promise<void> {
    this.checkOpen();
    const known = this.registered.get(partitionKey);
    checkRegistration(this.name, this.capabilities, partitionKey, datatype, known?.datatype, extent);
    if (known === undefined) this.registered.set(partitionKey, { datatype, entries: new Map() });
  }

  async partitionKeys(): Promise<ReadonlyMap<string, PartitionKeyType>> {
    this.checkOpen();
    return new Map([...this.registered].map(([name, { datatype }]) => [name, datatype]));
  }

  async put(entry: CacheEntry): Promise<void> {
    this.checkOpen();
    const { hash, partitionKey } = entry.fragment;
    const key = this.registered.get(partitionKey);
    checkEntry(this.name, this.capabilities, entry, key?.datatype);
    const description = describeEntry(entry, entry.keys?.bytes ?? 0);
    const benefit = key?.entries.get(hash)?.benefit ?? noBenefit;
    key?.entries.set(hash, withBenefit({ ...description, keys: entry.keys }, benefit));
    this.changes.publish({ kind: 'put', entry: description });
  }

  async get(partitionKey: string, hash: FragmentHash): Promise<CacheEntry | undefined> {
    this.checkOpen();
    return this.registered.get(partitionKey)?.entries.get(hash);
  }

  async describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined> {
    const entry = await this.get(partitionKey, hash);
    return entry === undefined ? undefined : described(entry);
  }

  async delete(partitionKey: string, hash: FragmentHash): Promise<boolean> {
    this.checkOpen();
    const isDeleted = this.registered.get(partitionKey)?.entries.delete(hash) ?? false;
    if (isDeleted) this.changes.publish({ kind: 'deleted', partitionKey, hash });
    return isDeleted;
  }

  async intersect(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection> {
    this.checkOpen();
    const entries = this.registered.get(partitionKey)?.entries;
    const sets = new Map<FragmentHash, KeySet>();
    for (const hash of hashes) {
      const keys = entries?.get(hash)?.keys;
      if (keys !== undefined) sets.set(hash, keys);
    }
    return { hits: [...sets.keys()], keys: intersectKeySets([...sets.values()]) };
  }

  async *list(partitionKey?: string): AsyncIterable<EntryDescription> {
    this.checkOpen();
    const keys = partitionKey === undefined ? [...this.registered.keys()] : [partitionKey];
    // What is there now; entries written while the caller reads are told by the change feed.
    for (const entry of keys.flatMap((name) => [...(this.registered.get(name)?.entries.values() ?? [])])) {
      this.checkOpen();
      yield described(entry);
    }
  }

  async count(partitionKey: string): Promise<number> {
    this.checkOpen();
    return this.registered.get(partitionKey)?.entries.size ?? 0;
  }

  async dropPartitionKey(partitionKey: string): Promise<number> {
    this.checkOpen();
    const known = this.registered.get(partitionKey);
    if (known === undefined) return 0;
    this.registered.delete(partitionKey);
    this.changes.publish({ kind: 'dropped', partitionKey });
    return known.entries.size;
  }

  async touch(partitionKey: string, uses: readonly EntryUse[]): Promise<void> {
    this.checkOpen();
    const entries = this.registered.get(partitionKey)?.entries;
    for (const { hash, at, ...use } of uses) {
      const entry = entries?.get(hash);
      if (entry === undefined) continue;
      const benefit = addBenefit(entry.benefit ?? noBenefit, use);
      entries?.set(hash, withBenefit({ ...entry, lastUsedAt: Math.max(entry.lastUsedAt, at) }, benefit));
    }
  }

  subscribe(listener: (change: CacheChange) => void): () => void {
    return this.changes.subscribe(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    this.changes.close();
    this.registered.clear();
  }

  private checkOpen(): void {
    if (this.isClosed) throw new CacheUnavailableError(this.name, 'it is closed');
  }
}

function described(entry: CacheEntry): EntryDescription {
  return withBenefit(describeEntry(entry), entry.benefit ?? noBenefit);
}
