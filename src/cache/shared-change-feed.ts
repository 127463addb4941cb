import type { FragmentHash } from '../query/fragment/fragment';
import type { CacheChange, EntryDescription } from './cache-backend';
import type { CacheWarning } from './cache-warning';
import { ChangeFeed } from './change-feed';
import { SerialQueue } from './serial-queue';

/** What has changed: an entry, all of a partition key, or anything. */
export interface ChangedPlace {
  readonly partitionKey?: string;
  readonly hash?: FragmentHash;
}

/** How the store is looked at. */
export interface SharedStore {
  partitionKeys(): Promise<ReadonlyMap<string, unknown>>;
  describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined>;
  list(partitionKey: string): AsyncIterable<EntryDescription>;
}

/** A change of our own that is being made. */
interface OwnChange {
  readonly place: ChangedPlace;
  /** Somebody else changed the same meanwhile: which change came last is not known. */
  isDisturbed: boolean;
}

/**
 * The changes of a store that several processes share, told to the listeners of this one.
 *
 * What others did is heard of at any time, late, twice or out of order, so it is not taken for what it says: the place is looked at, and what is
 * there by then is told. A change of our own is told as it was made, unless somebody was heard to change the same while it was
 * under way; then it is looked at as well. All is told one after the other, so what is told last is what the store had last.
 */
export class SharedChangeFeed {
  private readonly feed: ChangeFeed;
  private readonly turns = new SerialQueue();
  private readonly own = new Set<OwnChange>();
  /** Partition keys listeners may know something of: those that may be gone without our knowing. */
  private readonly known = new Set<string>();
  private isClosed = false;

  constructor(
    private readonly store: SharedStore,
    private readonly warn: CacheWarning,
  ) {
    this.feed = new ChangeFeed(warn);
  }

  subscribe(listener: (change: CacheChange) => void): () => void {
    return this.feed.subscribe(listener);
  }

  /** Listeners may have read what there is of a partition key without being told. */
  knows(partitionKey: string): void {
    this.known.add(partitionKey);
  }

  /** Makes a change and tells it. `toTell` gives what there is to be told of the result; undefined: nothing was changed. */
  async make<T>(
    place: ChangedPlace,
    write: () => Promise<T>,
    toTell: (result: T) => CacheChange | undefined,
  ): Promise<T> {
    const change: OwnChange = { place, isDisturbed: false };
    this.disturb(place, change);
    this.own.add(change);
    try {
      const result = await write();
      const told = toTell(result);
      if (told !== undefined)
        await this.turns.run(async () => (change.isDisturbed ? this.look(place) : this.publish(told)));
      return result;
    } finally {
      this.own.delete(change);
    }
  }

  /** Somebody else changed something; it is looked at when what was heard before is done. */
  heard(place: ChangedPlace): void {
    if (this.isClosed) return;
    this.disturb(place);
    void this.turns
      .run(() => this.look(place))
      .catch((error: unknown) => {
        if (!this.isClosed) this.warn('a change of the cache by another process could not be read', error);
      });
  }

  /** Nothing that is heard from now on is told. Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.turns.idle();
    this.feed.close();
  }

  private disturb(place: ChangedPlace, by?: OwnChange): void {
    for (const change of this.own) {
      if (!overlap(change.place, place)) continue;
      change.isDisturbed = true;
      if (by !== undefined) by.isDisturbed = true;
    }
  }

  private async look({ partitionKey, hash }: ChangedPlace): Promise<void> {
    if (partitionKey === undefined) {
      const known = [...this.known, ...(await this.store.partitionKeys()).keys()];
      for (const name of new Set(known)) await this.look({ partitionKey: name });
    } else if (hash === undefined) {
      this.publish({ kind: 'dropped', partitionKey });
      for await (const entry of this.store.list(partitionKey)) this.publish({ kind: 'put', entry });
    } else {
      const entry = await this.store.describe(partitionKey, hash);
      this.publish(entry === undefined ? { kind: 'deleted', partitionKey, hash } : { kind: 'put', entry });
    }
  }

  private publish(change: CacheChange): void {
    this.known.add(change.kind === 'put' ? change.entry.fragment.partitionKey : change.partitionKey);
    this.feed.publish(change);
  }
}

function overlap(a: ChangedPlace, b: ChangedPlace): boolean {
  const isSame = (x: string | undefined, y: string | undefined): boolean =>
    x === undefined || y === undefined || x === y;
  return isSame(a.partitionKey, b.partitionKey) && isSame(a.hash, b.hash);
}
