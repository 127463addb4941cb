import type { CacheBackend, EntryDescription } from '../../cache/cache-backend';
import { CacheUnavailableError } from '../../errors/cache-unavailable-error';
import {
  cacheCalls,
  cacheChanged,
  type ListingPage,
  listingEnded,
  receiveEntry,
  sendEntry,
  sendIntersection,
} from './cache-calls';
import type { Channel } from './channel';

/** Descriptions in a message: few enough that neither end is busy with it for more than a few milliseconds. */
const entriesPerPage = 100;

/**
 * The store that the overseer has open, for workers that use it over their channels (BorrowedCache). All are told of every change, before whoever made it
 * has its answer. While nothing is lent, because the store is released, they are answered with CacheUnavailableError.
 */
export class LentCache {
  #backend: CacheBackend | undefined;
  #unsubscribe: () => void = () => undefined;
  readonly #channels = new Set<Channel>();

  /** From now on this store is lent, instead of any before; undefined: none is. It stays the caller's. */
  lend(backend: CacheBackend | undefined): void {
    this.#unsubscribe();
    this.#backend = backend;
    this.#unsubscribe =
      backend?.subscribe((change) => {
        for (const channel of this.#channels) channel.tell(cacheChanged, change);
      }) ?? (() => undefined);
  }

  /** Until the channel closes. */
  lendTo(channel: Channel): void {
    this.#channels.add(channel);
    const listings = new Map<number, AsyncIterator<EntryDescription>>();
    const end = (listing: number): void => {
      const entries = listings.get(listing);
      listings.delete(listing);
      // Whoever read it has left.
      entries?.return?.().catch(() => undefined);
    };
    void channel.whenClosed.then(() => {
      this.#channels.delete(channel);
      for (const listing of [...listings.keys()]) end(listing);
    });

    channel.answer(cacheCalls.open, async () => {
      const { name, capabilities } = this.#store;
      return { name, capabilities };
    });
    channel.answer(cacheCalls.register, async (of) => this.#store.registerPartitionKey(...of));
    channel.answer(cacheCalls.partitionKeys, async () => this.#store.partitionKeys());
    channel.answer(cacheCalls.put, async (entry) => this.#store.put(receiveEntry(entry)));
    channel.answer(cacheCalls.get, async (of) => {
      const entry = await this.#store.get(...of);
      return entry === undefined ? undefined : sendEntry(entry);
    });
    channel.answer(cacheCalls.describe, async (of) => this.#store.describe(...of));
    channel.answer(cacheCalls.delete, async (of) => this.#store.delete(...of));
    channel.answer(cacheCalls.intersect, async (of) => sendIntersection(await this.#store.intersect(...of)));
    channel.answer(cacheCalls.count, async (partitionKey) => this.#store.count(partitionKey));
    channel.answer(cacheCalls.drop, async (partitionKey) => this.#store.dropPartitionKey(partitionKey));
    channel.answer(cacheCalls.touch, async (of) => this.#store.touch(...of));
    channel.hear(listingEnded, end);
    channel.answer(cacheCalls.list, async ({ listing, partitionKey }) => {
      const entries = listings.get(listing) ?? this.#store.list(partitionKey)[Symbol.asyncIterator]();
      listings.set(listing, entries);
      const page = await nextPage(entries);
      if (page.isLast) listings.delete(listing);
      return page;
    });
  }

  get #store(): CacheBackend {
    if (this.#backend === undefined)
      throw new CacheUnavailableError('the cache', 'the overseer has it not open');
    return this.#backend;
  }
}

async function nextPage(iterator: AsyncIterator<EntryDescription>): Promise<ListingPage> {
  const entries: EntryDescription[] = [];
  while (entries.length < entriesPerPage) {
    const next = await iterator.next();
    if (next.done === true) return { entries, isLast: true };
    entries.push(next.value);
  }
  return { entries, isLast: false };
}
