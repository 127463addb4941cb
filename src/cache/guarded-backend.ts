import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import { UnknownPartitionKeyError } from '../errors/unknown-partition-key-error';
import type { FragmentHash } from '../query/fragment/fragment';
import type { PartitionKeyType } from '../query/partition-key';
import type {
  CacheBackend,
  CacheCapabilities,
  CacheChange,
  CacheEntry,
  DataExtent,
  EntryDescription,
  Intersection,
  LazyKeys,
} from './cache-backend';
import { ChangeFeed } from './change-feed';
import type { EntryUse } from './entry-benefit';
import type { InPlaceStore } from './in-place';
import { TimeSlices } from './time-slices';
import { StoreGuard, type StoreGuardOptions } from './store-guard';

export interface GuardedBackendOptions
  extends
    Pick<StoreGuardOptions, 'name' | 'open' | 'overdueMs' | 'events'>,
    Partial<Pick<StoreGuardOptions, 'startMs' | 'pauses'>> {
  /** Of the store while it is not open. */
  readonly capabilities: CacheCapabilities;
}

/** A registration that is to be there, whatever the store forgets. */
interface WantedKey {
  readonly datatype: PartitionKeyType;
  readonly extent: DataExtent | undefined;
}

/**
 * A store that may be away, or slow, or not there at the start: nobody waits for it longer than it takes to find that out. While it is away it is not
 * asked, and everything rejects with CacheUnavailableError at once; see StoreWatch for how it is found again.
 *
 * What could not be done because it was away and somebody relies on is made up for: partition keys are registered, and where a
 * list was cut or never begun, all entries are told as changes.
 */
export class GuardedBackend implements CacheBackend {
  readonly name: string;
  private readonly guard: StoreGuard;
  private readonly changes: ChangeFeed;
  /** Partition keys that are to be registered, whatever the store forgets. */
  private readonly wanted = new Map<string, WantedKey>();
  /** Those whose entries are to be told when the store is found. */
  private readonly untold = new Set<string>();
  /** Changes that came while entries were told, and are told after them. */
  private held: CacheChange[] | undefined;
  private closing: Promise<void> | undefined;

  private constructor(private readonly options: GuardedBackendOptions) {
    const { name, events } = options;
    this.name = name;
    this.changes = new ChangeFeed((message, cause) => events.trouble(message, cause));
    this.guard = new StoreGuard({
      startMs: 2_000,
      pauses: { firstMs: 100, longestMs: 5_000 },
      ...options,
      opened: (store) => void store.subscribe((change) => this.tell(change)),
      found: (store) => this.makeUp(store),
    });
  }

  /** Resolves also if the store does not answer; rejects as `options.open` does for other reasons. */
  static async open(options: GuardedBackendOptions): Promise<GuardedBackend> {
    const backend = new GuardedBackend(options);
    await backend.guard.start();
    return backend;
  }

  get capabilities(): CacheCapabilities {
    return this.guard.store?.capabilities ?? this.options.capabilities;
  }

  /** What is wrong with the store, in a sentence; undefined if all is well. */
  get trouble(): string | undefined {
    return this.guard.trouble;
  }

  /** Rejected with CacheUnavailableError, it is made up for later. */
  async registerPartitionKey(
    partitionKey: string,
    datatype: PartitionKeyType,
    extent?: DataExtent,
  ): Promise<void> {
    try {
      await this.guard.write('register', (store) =>
        store.registerPartitionKey(partitionKey, datatype, extent),
      );
      this.wanted.set(partitionKey, { datatype, extent });
    } catch (error) {
      if (error instanceof CacheUnavailableError) {
        this.wanted.set(partitionKey, { datatype, extent });
        this.owe([partitionKey], error.message);
      }
      throw error;
    }
  }

  partitionKeys(): Promise<ReadonlyMap<string, PartitionKeyType>> {
    return this.guard.ask('partitionKeys', (store) => store.partitionKeys());
  }

  put(entry: CacheEntry): Promise<void> {
    const { partitionKey } = entry.fragment;
    return this.guard.write('put', async (store) => {
      try {
        await store.put(entry);
      } catch (error) {
        const wanted = this.wanted.get(partitionKey);
        if (!(error instanceof UnknownPartitionKeyError) || wanted === undefined) throw error;
        // The store has lost the registration: Redis may have been restarted, or has evicted it.
        await store.registerPartitionKey(partitionKey, wanted.datatype, wanted.extent);
        await store.put(entry);
      }
    });
  }

  get(partitionKey: string, hash: FragmentHash): Promise<CacheEntry | undefined> {
    return this.guard.askInTime('get', (store) => store.get(partitionKey, hash));
  }

  describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined> {
    return this.guard.ask('describe', (store) => store.describe(partitionKey, hash));
  }

  delete(partitionKey: string, hash: FragmentHash): Promise<boolean> {
    return this.guard.write('delete', (store) => store.delete(partitionKey, hash));
  }

  intersect(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection> {
    return this.guard.ask('intersect', (store) => store.intersect(partitionKey, hashes));
  }

  lazy(entries: readonly EntryDescription[]): LazyKeys | undefined {
    return this.guard.store?.lazy?.(entries);
  }

  /** undefined while the store is away. */
  get inPlace(): InPlaceStore | undefined {
    return this.guard.trouble === undefined ? this.guard.store?.inPlace : undefined;
  }

  /** Rejected with CacheUnavailableError, it is made up for later, for partition keys that are registered. */
  async *list(partitionKey?: string): AsyncGenerator<EntryDescription, void, undefined> {
    let entries: AsyncIterator<EntryDescription> | undefined;
    try {
      for (;;) {
        // Each step is asked for by itself: what the caller does in between is not the store's time.
        const next = await this.guard.ask('list', (store) => {
          entries ??= store.list(partitionKey)[Symbol.asyncIterator]();
          return entries.next();
        });
        if (next.done === true) return;
        yield next.value;
      }
    } catch (error) {
      if (error instanceof CacheUnavailableError)
        this.owe(partitionKey === undefined ? this.wanted.keys() : [partitionKey], error.message);
      throw error;
    } finally {
      await entries?.return?.();
    }
  }

  count(partitionKey: string): Promise<number> {
    return this.guard.ask('count', (store) => store.count(partitionKey));
  }

  dropPartitionKey(partitionKey: string): Promise<number> {
    return this.guard.write('drop', async (store) => {
      const entries = await store.dropPartitionKey(partitionKey);
      this.wanted.delete(partitionKey);
      this.untold.delete(partitionKey);
      return entries;
    });
  }

  /** Stores note that in memory first, so it is not the store's answer. */
  async touch(partitionKey: string, uses: readonly EntryUse[]): Promise<void> {
    await this.guard.store?.touch(partitionKey, uses);
  }

  subscribe(listener: (change: CacheChange) => void): () => void {
    return this.changes.subscribe(listener);
  }

  /** Closes the store as well. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closing ??= this.close();
    return this.closing;
  }

  private async close(): Promise<void> {
    await this.guard[Symbol.asyncDispose]();
    this.changes.close();
  }

  private owe(partitionKeys: Iterable<string>, reason: string): void {
    if (this.closing !== undefined) return;
    for (const name of partitionKeys) if (this.wanted.has(name)) this.untold.add(name);
    if (this.untold.size > 0) this.guard.lost(reason);
  }

  /** Rejects with CacheUnavailableError if the store is away again. */
  private async makeUp(store: CacheBackend): Promise<void> {
    do {
      for (const [name, wanted] of this.wanted) {
        if (!(await this.registered(store, name, wanted))) this.untold.delete(name);
        if (this.untold.has(name)) await this.tellAll(store, name);
      }
    } while (this.untold.size > 0);
  }

  /** Resolves to false if that cannot be. */
  private async registered(
    store: CacheBackend,
    name: string,
    { datatype, extent }: WantedKey,
  ): Promise<boolean> {
    try {
      await store.registerPartitionKey(name, datatype, extent);
      return true;
    } catch (error) {
      // A store that is full can be read; what is put in the end is registered before that.
      if (error instanceof CacheUnavailableError) return true;
      this.options.events.trouble(`the cache cannot be used for the partition key ${name}`, error);
      return false;
    }
  }

  private async tellAll(store: CacheBackend, partitionKey: string): Promise<void> {
    this.held = [];
    try {
      this.changes.publish({ kind: 'dropped', partitionKey });
      const slices = new TimeSlices();
      for await (const entry of store.list(partitionKey)) {
        this.changes.publish({ kind: 'put', entry });
        await slices.pause();
      }
      this.untold.delete(partitionKey);
    } finally {
      const { held } = this;
      this.held = undefined;
      for (const change of held) this.changes.publish(change);
    }
  }

  private tell(change: CacheChange): void {
    if (this.held === undefined) this.changes.publish(change);
    else this.held.push(change);
  }
}
