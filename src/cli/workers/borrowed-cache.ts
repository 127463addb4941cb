import type {
  CacheBackend,
  CacheCapabilities,
  CacheChange,
  CacheEntry,
  DataExtent,
  EntryDescription,
  Intersection,
} from '../../cache/cache-backend';
import type { CacheWarning } from '../../cache/cache-warning';
import { ChangeFeed } from '../../cache/change-feed';
import type { EntryUse } from '../../cache/entry-benefit';
import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import { ChannelClosedError } from '../../errors/channel-closed-error';
import type { FragmentHash } from '../../query/fragment/fragment';
import type { PartitionKeyType } from '../../query/partition-key';
import {
  cacheCalls,
  cacheChanged,
  listingEnded,
  receiveEntry,
  receiveIntersection,
  sendEntry,
  type StoreFacts,
} from './cache-calls';
import type { CallName, Channel } from './channel';

/** Distinct among those of a channel: a worker may open the store again. */
let listings = 0;

/** A store of the overseer's process, over the channel to it: what one process alone can have open, and all workers use. Only one on a channel. */
export class BorrowedCache implements CacheBackend {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
  readonly #changes: ChangeFeed;
  readonly #asked = new Set<Promise<unknown>>();
  #isClosed = false;

  private constructor(
    private readonly channel: Channel,
    { name, capabilities }: StoreFacts,
    warn: CacheWarning,
  ) {
    this.name = name;
    this.capabilities = capabilities;
    this.#changes = new ChangeFeed(warn);
    channel.hear(cacheChanged, (change) => {
      this.#changes.publish(change);
    });
  }

  /** Rejects with CacheUnavailableError if the overseer has no store open, or is gone. */
  static async open(channel: Channel, { warn }: { readonly warn: CacheWarning }): Promise<BorrowedCache> {
    return new BorrowedCache(channel, await answered('the cache', channel.call(cacheCalls.open)), warn);
  }

  registerPartitionKey(partitionKey: string, datatype: PartitionKeyType, extent?: DataExtent): Promise<void> {
    return this.#call(cacheCalls.register, [partitionKey, datatype, extent]);
  }

  async partitionKeys(): Promise<ReadonlyMap<string, PartitionKeyType>> {
    return this.#call(cacheCalls.partitionKeys, undefined);
  }

  put(entry: CacheEntry): Promise<void> {
    return this.#call(cacheCalls.put, sendEntry(entry));
  }

  async get(partitionKey: string, hash: FragmentHash): Promise<CacheEntry | undefined> {
    const entry = await this.#call(cacheCalls.get, [partitionKey, hash]);
    return entry === undefined ? undefined : receiveEntry(entry);
  }

  describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined> {
    return this.#call(cacheCalls.describe, [partitionKey, hash]);
  }

  delete(partitionKey: string, hash: FragmentHash): Promise<boolean> {
    return this.#call(cacheCalls.delete, [partitionKey, hash]);
  }

  async intersect(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection> {
    return receiveIntersection(await this.#call(cacheCalls.intersect, [partitionKey, hashes]));
  }

  /** Page by page: the overseer reads no further than it is listened to. */
  async *list(partitionKey?: string): AsyncGenerator<EntryDescription, void, undefined> {
    const listing = listings++;
    let isRead = false;
    try {
      while (!isRead) {
        const { entries, isLast } = await this.#call(cacheCalls.list, { listing, partitionKey });
        isRead = isLast;
        for (const entry of entries) {
          this.#checkOpen();
          yield entry;
        }
      }
    } finally {
      if (!isRead) this.channel.tell(listingEnded, listing);
    }
  }

  count(partitionKey: string): Promise<number> {
    return this.#call(cacheCalls.count, partitionKey);
  }

  dropPartitionKey(partitionKey: string): Promise<number> {
    return this.#call(cacheCalls.drop, partitionKey);
  }

  touch(partitionKey: string, uses: readonly EntryUse[]): Promise<void> {
    return this.#call(cacheCalls.touch, [partitionKey, uses]);
  }

  subscribe(listener: (change: CacheChange) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Resolves when nothing that was asked is without an answer. The overseer has its store open all the same. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#changes.close();
    await Promise.allSettled(this.#asked);
  }

  async #call<Argument, Result>(name: CallName<Argument, Result>, argument: Argument): Promise<Result> {
    this.#checkOpen();
    const asked = answered(this.name, this.channel.call(name, ...([argument] as const)));
    this.#asked.add(asked);
    return asked.finally(() => this.#asked.delete(asked));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new CacheUnavailableError(this.name, 'it is closed');
  }
}

async function answered<Result>(store: string, call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ChannelClosedError)
      throw new CacheUnavailableError(store, error.message, { cause: error });
    throw error;
  }
}
