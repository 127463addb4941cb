import type { CacheBackend, EntryDescription } from '../cache/cache-backend';
import type { Owned } from '../cli/owned';
import { BoundedMap } from '../engine/bounded-map';
import { ClosedHelperError } from '../errors/closed-helper-error';
import { InexactEntryError } from '../errors/inexact-entry-error';
import { UnconnectedHelperError } from '../errors/unconnected-helper-error';
import { UnknownFragmentError } from '../errors/unknown-fragment-error';
import type { PartitionKeyConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { Log } from '../ops/log/log';
import type { Fragment } from '../query/fragment/fragment';
import type { PartitionKeyType } from '../query/partition-key';
import type { FragmentSettings } from './fragment-settings';
import { entryWithoutKeys, givenEntry, withoutKeys } from './given-entry';
import { isNamed, namedFragment, nameOf } from './named-fragment';
import { type KeysInput, PartitionKeys } from './partition-keys';
import type { QueryEngine } from './query-engine';
import type { HelperQueues } from './helper-queues';

/** What a helper is called by in an option `cacheHandler`: it, or its `underlyingHandler`. */
export type CacheHandler = CacheHelper | UnderlyingHandler;

/** The store below a helper, which knows all partition keys that are kept in it; and the way back. */
export interface UnderlyingHandler {
  readonly backend: CacheBackend;
  readonly helper: CacheHelper;
}

/** What a name stands for: a program's own name, the hash of a fragment, or the fragment. */
export type EntryKey = string | Fragment | { readonly fragment: Fragment };

/** Keys that several entries have in common. */
export interface IntersectedKeys {
  /** undefined: none of the entries is there. */
  readonly keys: PartitionKeys | undefined;
  /** How many are. */
  readonly hits: number;
}

/** The parts of a helper; it owns them all. */
export interface HelperParts {
  readonly partitionKey: string;
  readonly datatype: PartitionKeyType;
  readonly backend: CacheBackend;
  /** undefined: without a connection. */
  readonly queries: QueryEngine | undefined;
  readonly queues: HelperQueues | undefined;
  readonly config: PcacheConfig;
  /** As the helper's own, with fragment settings of a call above its own. */
  readonly keyWith: (settings: FragmentSettings) => PartitionKeyConfig;
  readonly log: Log;
  readonly owned: Owned;
}

/** Fragments it has handed out: hashes alone say nothing of what they stand for. */
const maxFragmentsKnown = 10_000;
const hashForm = /^[0-9a-f]{64}$/;

/**
 * Key sets of one partition key, and the queries they make faster. Made by `createCacheHelper`, whose caller closes it.
 *
 * Methods reject with ClosedHelperError after `close`, with CacheUnavailableError while the store cannot be reached, and with TypeError for
 * keys and names that cannot be kept. "Not there" is a value: undefined, or false.
 */
export class CacheHelper implements AsyncDisposable {
  readonly #parts: HelperParts;
  readonly #fragments = new BoundedMap<string, Fragment>(maxFragmentsKnown);
  /** What is being written under each hash, to be done one after the other: some of it depends on what is there. */
  readonly #writing = new Map<string, Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(parts: HelperParts) {
    this.#parts = parts;
  }

  get partitionKey(): string {
    return this.#parts.partitionKey;
  }

  get datatype(): PartitionKeyType {
    return this.#parts.datatype;
  }

  get underlyingHandler(): UnderlyingHandler {
    return { backend: this.#open().backend, helper: this };
  }

  /** Keeps keys under a name, in place of those it had; as `key` see EntryKey. Rejects with UnknownFragmentError, InexactEntryError. */
  async setSet(key: EntryKey, keys: KeysInput): Promise<void> {
    const { backend, datatype } = this.#open();
    const { keySet } = PartitionKeys.from(datatype, keys);
    await this.#inTurn(key, async () =>
      backend.put(givenEntry(await this.#givenFragment(key), keySet, Date.now())),
    );
  }

  /** Another name of setSet. */
  setCache(key: EntryKey, keys: KeysInput): Promise<void> {
    return this.setSet(key, keys);
  }

  /** Keys and the text of the query they are of, in one. */
  async setEntry(key: EntryKey, keys: KeysInput, query: string): Promise<void> {
    const { backend, datatype } = this.#open();
    const { keySet } = PartitionKeys.from(datatype, keys);
    await this.#inTurn(key, async () => {
      const fragment = await this.#givenFragment(key);
      await backend.put(givenEntry(this.#withText(fragment, query), keySet, Date.now()));
    });
  }

  /** Notes that there is nothing to be known under a name: it exists, and has no keys. */
  async setNull(key: EntryKey): Promise<void> {
    const { backend } = this.#open();
    await this.#inTurn(key, async () =>
      backend.put(entryWithoutKeys(await this.#fragment(key), withoutKeys.null, Date.now())),
    );
  }

  /** The text of the query a name stands for; keys that are there stay. That of a fragment is its own, and cannot be another. */
  async setQuery(key: EntryKey, query: string): Promise<void> {
    const { backend, partitionKey } = this.#open();
    await this.#inTurn(key, async () => {
      const fragment = this.#withText(await this.#fragment(key), query);
      const known = await backend.get(partitionKey, fragment.hash);
      await backend.put(
        known === undefined
          ? entryWithoutKeys(fragment, withoutKeys.query, Date.now())
          : { ...known, fragment },
      );
    });
  }

  /** undefined: there are no keys under that name. An empty set is something else: it is known that no key qualifies. */
  async get(key: EntryKey): Promise<PartitionKeys | undefined> {
    const { backend, partitionKey } = this.#open();
    const entry = await backend.get(partitionKey, this.#hashOf(key));
    return entry?.keys === undefined ? undefined : new PartitionKeys(entry.keys);
  }

  /** The text that goes with a name: of a fragment the SQL that computes its keys. */
  async getQuery(key: EntryKey): Promise<string | undefined> {
    const sql = (await this.#describe(key))?.fragment.sql;
    return sql === '' ? undefined : sql;
  }

  /** Whether there are keys, or it is noted that there will be none (setNull). */
  async exists(key: EntryKey): Promise<boolean> {
    const entry = await this.#describe(key);
    return entry !== undefined && (entry.status === 'ok' || entry.error === withoutKeys.null);
  }

  /** Resolves to false if nothing was there. */
  async delete(key: EntryKey): Promise<boolean> {
    const { backend, partitionKey } = this.#open();
    return this.#inTurn(key, () => backend.delete(partitionKey, this.#hashOf(key)));
  }

  async getIntersected(keys: Iterable<EntryKey>): Promise<IntersectedKeys> {
    const { backend, partitionKey } = this.#open();
    const hashes = [...keys].map((key) => this.#hashOf(key));
    const { keys: found, hits } = await backend.intersect(partitionKey, hashes);
    return { keys: found === undefined ? undefined : new PartitionKeys(found), hits: hits.length };
  }

  /** Of every entry its name, or the hash of its fragment. */
  async getAllKeys(): Promise<readonly string[]> {
    const { backend, partitionKey } = this.#open();
    const names: string[] = [];
    for await (const { fragment } of backend.list(partitionKey)) names.push(nameOf(fragment));
    return names;
  }

  /** Removes all entries of the partition key, which can be used further on; resolves to their number. */
  async deletePartition(): Promise<number> {
    const { backend, partitionKey, datatype } = this.#open();
    const removed = await backend.dropPartitionKey(partitionKey);
    await backend.registerPartitionKey(partitionKey, datatype);
    return removed;
  }

  /** What the database's tables are like is read again: after DDL. */
  async refresh(): Promise<void> {
    const { engine, catalog } = this.queries();
    engine.catalogChanged();
    await catalog();
  }

  /** Closes all it has opened. Again does nothing; what is under way may reject. */
  close(): Promise<void> {
    this.#closing ??= this.#parts.owned[Symbol.asyncDispose]();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the functions of the library only. */
  parts(): HelperParts {
    return this.#open();
  }

  /** For the functions of the library only. Throws UnconnectedHelperError without a connection. */
  queries(): QueryEngine {
    const { queries, partitionKey } = this.#open();
    if (queries === undefined) throw new UnconnectedHelperError(partitionKey);
    return queries;
  }

  /** For the functions of the library only. What its hash stands for from now on. */
  note(fragment: Fragment): void {
    this.#fragments.set(fragment.hash, fragment);
  }

  #open(): HelperParts {
    if (this.#closing !== undefined) throw new ClosedHelperError(this.#parts.partitionKey);
    return this.#parts;
  }

  async #inTurn<T>(key: EntryKey, write: () => Promise<T>): Promise<T> {
    const hash = this.#hashOf(key);
    const result = (this.#writing.get(hash) ?? Promise.resolve()).then(write);
    const ended = result.catch(() => undefined);
    this.#writing.set(hash, ended);
    try {
      return await result;
    } finally {
      if (this.#writing.get(hash) === ended) this.#writing.delete(hash);
    }
  }

  async #describe(key: EntryKey): Promise<EntryDescription | undefined> {
    const { backend, partitionKey } = this.#open();
    return backend.describe(partitionKey, this.#hashOf(key));
  }

  #hashOf(key: EntryKey): Fragment['hash'] {
    const fragment = this.#fragmentAtHand(key);
    return fragment === undefined ? (key as Fragment['hash']) : fragment.hash;
  }

  /** undefined for a hash of which nothing is known here. */
  #fragmentAtHand(key: EntryKey): Fragment | undefined {
    const { partitionKey, datatype } = this.#open();
    if (typeof key === 'string') {
      if (hashForm.test(key)) return this.#fragments.get(key);
      return namedFragment(partitionKey, datatype, key);
    }
    const fragment = 'fragment' in key ? key.fragment : key;
    if (fragment.partitionKey !== partitionKey)
      throw new TypeError(`a fragment of ${fragment.partitionKey} is none of ${partitionKey}`);
    return fragment;
  }

  async #fragment(key: EntryKey): Promise<Fragment> {
    const { backend, partitionKey } = this.#open();
    const hash = this.#hashOf(key);
    const kept = await backend.describe(partitionKey, hash);
    const fragment = kept?.fragment ?? this.#fragmentAtHand(key);
    if (fragment === undefined) throw new UnknownFragmentError(partitionKey, hash);
    return fragment;
  }

  /** A fragment whose keys are given, not computed. */
  async #givenFragment(key: EntryKey): Promise<Fragment> {
    const fragment = await this.#fragment(key);
    const { queries, partitionKey } = this.#open();
    const { changeLog } = queries?.database.partitionKeys.get(partitionKey) ?? {};
    if (!isNamed(fragment) && changeLog !== undefined) throw new InexactEntryError(partitionKey);
    return fragment;
  }

  #withText(fragment: Fragment, text: string): Fragment {
    if (!isNamed(fragment)) return fragment;
    const { partitionKey, datatype } = this.#open();
    return namedFragment(partitionKey, datatype, nameOf(fragment), text);
  }
}

/** The helper that is meant. */
export function helperOf(handler: CacheHandler): CacheHelper {
  return handler instanceof CacheHelper ? handler : handler.helper;
}
