import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import type { FragmentHash } from '../query/fragment/fragment';
import type { CacheChange, EntryDescription } from './cache-backend';
import type { CacheWarning } from './cache-warning';
import { ChangeFeed } from './change-feed';
import { TimeSlices } from './time-slices';
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

/** Between attempts to look at what could not be looked at: twice as long after each, up to a limit. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** Places of changes that were lost sight of, at most; beyond, the oldest go. */
const maxUnsure = 1_000;

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
 * under way; then it is looked at as well, as is one that failed: the store may have made it, and only its answer have been lost. All is told
 * one after the other, so what is told last is what the store had last.
 */
export class SharedChangeFeed {
  private readonly feed: ChangeFeed;
  private readonly turns = new SerialQueue();
  private readonly own = new Set<OwnChange>();
  /** Where changes of our own failed: they may be made yet. */
  private readonly unsure = new Set<string>();
  /** Partition keys listeners may know something of: those that may be gone without our knowing. */
  private readonly known = new Set<string>();
  private isClosed = false;
  /** All is looked at again then, because something could not be looked at. */
  private again: NodeJS.Timeout | undefined;
  private pauseMs = firstPauseMs;

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
    } catch (error) {
      if (error instanceof CacheUnavailableError) this.failedToMake(place);
      throw error;
    } finally {
      this.own.delete(change);
    }
  }

  /** A change of our own, told by the store as those of others are. It is news only if nobody knew how it had ended. */
  heardOwn(place: ChangedPlace): void {
    if (this.unsure.delete(nameOf(place))) this.heard(place);
  }

  /** Somebody else changed something; it is looked at when what was heard before is done. */
  heard(place: ChangedPlace): void {
    if (this.isClosed) return;
    this.disturb(place);
    void this.turns
      .run(() => this.look(place))
      .then(
        () => {
          if (place.partitionKey === undefined) this.pauseMs = firstPauseMs;
        },
        (error: unknown) => this.failed(error),
      );
  }

  /** Nothing that is heard from now on is told. Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.again);
    await this.turns.idle();
    this.feed.close();
  }

  private failedToMake(place: ChangedPlace): void {
    this.unsure.add(nameOf(place));
    const [oldest] = this.unsure.keys();
    if (oldest !== undefined && this.unsure.size > maxUnsure) this.unsure.delete(oldest);
    this.heard(place);
  }

  private failed(error: unknown): void {
    if (this.isClosed) return;
    this.warn('a change of the cache could not be read', error);
    if (this.again !== undefined) return;
    this.again = setTimeout(() => {
      this.again = undefined;
      this.heard({});
    }, this.pauseMs).unref();
    this.pauseMs = Math.min(2 * this.pauseMs, longestPauseMs);
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
      await this.lookAtAll();
    } else if (hash === undefined) {
      await this.lookAtEntries(partitionKey);
    } else {
      const entry = await this.store.describe(partitionKey, hash);
      this.publish(entry === undefined ? { kind: 'deleted', partitionKey, hash } : { kind: 'put', entry });
    }
  }

  /** Rejects if some partition keys cannot be read; the others are told all the same: a store can be away in part. */
  private async lookAtAll(): Promise<void> {
    const failures: unknown[] = [];
    const failed = (error: unknown): void => void failures.push(error);
    await this.store.partitionKeys().then((found) => {
      for (const name of found.keys()) this.known.add(name);
    }, failed);
    // At once: each that cannot be read takes as long as the store has for an answer.
    await Promise.all([...this.known].map((name) => this.lookAtEntries(name).catch(failed)));
    if (failures.length > 0) throw failures[0];
  }

  private async lookAtEntries(partitionKey: string): Promise<void> {
    const slices = new TimeSlices();
    let isDropped = false;
    const drop = (): void => {
      if (!isDropped) this.publish({ kind: 'dropped', partitionKey });
      isDropped = true;
    };
    for await (const entry of this.store.list(partitionKey)) {
      // Not before: of a store that is away, what was known is kept.
      drop();
      this.publish({ kind: 'put', entry });
      await slices.pause();
    }
    drop();
  }

  private publish(change: CacheChange): void {
    this.known.add(change.kind === 'put' ? change.entry.fragment.partitionKey : change.partitionKey);
    this.feed.publish(change);
  }
}

function nameOf({ partitionKey, hash }: ChangedPlace): string {
  return JSON.stringify([partitionKey, hash]);
}

function overlap(a: ChangedPlace, b: ChangedPlace): boolean {
  const isSame = (x: string | undefined, y: string | undefined): boolean =>
    x === undefined || y === undefined || x === y;
  return isSame(a.partitionKey, b.partitionKey) && isSame(a.hash, b.hash);
}
