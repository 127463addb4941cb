import { randomUUID } from 'node:crypto';
import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
import { UnknownPartitionKeyError } from '../../../errors/unknown-partition-key-error';
import type { FragmentHash } from '../../../query/fragment/fragment';
import { type PartitionKeyType, partitionKeyTypes } from '../../../query/partition-key';
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
import { decodeChange, encodeChange } from '../../change-message';
import { checkEntry, checkRegistration } from '../../check-entry';
import { describeEntry, encodeDescription } from '../../codecs/description-codec';
import { type EntryUse, withBenefit } from '../../entry-benefit';
import { type ChangedPlace, SharedChangeFeed } from '../../shared-change-feed';
import type { NotedUses } from '../../use-notes';
import { UseWriter } from '../../use-writer';
import { RedisChangeListener } from './redis-change-listener';
import type { RedisConnections } from './redis-connections';
import { RedisDecoder } from './redis-decoder';
import { completeMark, RedisIndex } from './redis-index';
import { RedisNames } from './redis-names';
import { type RedisArgument, runScript } from '../../redis-scripts';
import type { RedisStorage } from './redis-storage';

export interface RedisOptions {
  /** Closed with the backend. */
  readonly connections: RedisConnections;
  /** What all keys begin with. */
  readonly keyPrefix: string;
  /** How long an entry stays, in milliseconds; undefined: until the server evicts it. */
  readonly ttlMs: number | undefined;
  readonly warn: CacheWarning;
}

/** An entry as it is stored; without `stored`, its keys were not asked for or there are none. */
interface ReadEntry {
  readonly description: EntryDescription;
  readonly stored: readonly Buffer[] | undefined;
}

/** Entries a listing reads at once: the server does nothing else meanwhile. */
const readAtOnce = 500;

/**
 * Entries in Redis, which many processes may share. The server may evict any key at any moment, so every entry says whether it has to
 * have keys, and scripts look at both at once: an entry that has lost a part is removed, and was never computed. Changes by others
 * are heard of by publish and subscribe, and looked at; see SharedChangeFeed.
 */
export class RedisBackend implements CacheBackend {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
  private readonly names: RedisNames;
  private readonly changes: SharedChangeFeed;
  private readonly notes: UseWriter;
  private readonly decoder: RedisDecoder;
  private readonly index: RedisIndex;
  private readonly self = randomUUID();
  private readonly registered = new Map<string, PartitionKeyType>();
  private listener: RedisChangeListener | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly storage: RedisStorage,
    private readonly options: RedisOptions,
  ) {
    this.name = storage.name;
    this.capabilities = storage.capabilities;
    this.names = new RedisNames(options.keyPrefix, this.name);
    this.decoder = new RedisDecoder(storage, options.warn);
    this.index = new RedisIndex(options.connections.client, this.names);
    this.changes = new SharedChangeFeed(this, options.warn);
    this.notes = new UseWriter(this.name, (notes) => this.writeNotes(notes), options.warn);
  }

  /** Rejects with CacheUnavailableError. */
  static async open(storage: RedisStorage, options: RedisOptions): Promise<RedisBackend> {
    const backend = new RedisBackend(storage, options);
    const { connections, warn } = options;
    backend.listener = new RedisChangeListener({
      connections,
      channel: backend.names.changes,
      heard: (message) => backend.heard(message),
      missed: () => backend.changes.heard({}),
      warn,
    });
    await backend.attempt(async () => {
      await connections.connect();
      await backend.listener?.start();
    });
    return backend;
  }

  async registerPartitionKey(
    partitionKey: string,
    datatype: PartitionKeyType,
    extent?: DataExtent,
  ): Promise<void> {
    checkRegistration(this.name, this.capabilities, partitionKey, datatype, undefined, extent);
    const known = await this.command(async ({ client }) => {
      const registration = this.names.registration(partitionKey);
      await client.set(registration, datatype, 'NX');
      await client.sadd(this.names.registry, partitionKey);
      return client.get(registration);
    });
    checkRegistration(this.name, this.capabilities, partitionKey, datatype, datatypeOf(known) ?? datatype);
    this.registered.set(partitionKey, datatype);
    this.changes.knows(partitionKey);
  }

  async partitionKeys(): Promise<ReadonlyMap<string, PartitionKeyType>> {
    const found = await this.command(async ({ client }) => {
      const names = await client.smembers(this.names.registry);
      // Not MGET: in a cluster they are in different places.
      return Promise.all(
        names.map(async (name) => [name, await client.get(this.names.registration(name))] as const),
      );
    });
    this.registered.clear();
    for (const [name, stored] of found.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const datatype = datatypeOf(stored);
      if (datatype !== undefined) this.registered.set(name, datatype);
    }
    return new Map(this.registered);
  }

  async put(entry: CacheEntry): Promise<void> {
    this.checkOpen();
    const { partitionKey, hash, datatype } = entry.fragment;
    checkEntry(this.name, this.capabilities, entry, await this.datatypeOf(partitionKey));
    const place = { partitionKey, hash };
    const { names, options, storage } = this;
    const keys = [
      names.registration(partitionKey),
      names.index(partitionKey),
      ...names.entry(partitionKey, hash),
    ];
    const stored = entry.keys === undefined ? [] : storage.encode(entry.keys);
    const description = describeEntry(
      entry,
      stored.reduce((bytes, each) => bytes + Buffer.byteLength(each), 0),
    );
    const args: RedisArgument[] = [
      datatype,
      hash,
      encodeDescription(description),
      entry.lastUsedAt,
      options.ttlMs ?? 0,
      names.changes,
      encodeChange({ by: this.self, ...place }),
      entry.keys === undefined ? 'none' : storage.form,
      ...stored,
    ];
    const write = async (): Promise<void> => {
      if ((await this.script('put', keys, args)) === 1) return;
      this.registered.delete(partitionKey);
      throw new UnknownPartitionKeyError(this.name, partitionKey);
    };
    await this.changes.make(place, write, () => {
      this.notes.forget(partitionKey, hash);
      return { kind: 'put', entry: description };
    });
  }

  async get(partitionKey: string, hash: FragmentHash): Promise<CacheEntry | undefined> {
    const [read] = await this.read(partitionKey, [hash], this.storage.form);
    const entry = read === undefined ? undefined : this.entryOf(read);
    // Whoever asks for its keys has known of it, and is to be told that it was evicted, or is damaged and goes now.
    if (read === undefined) this.changes.heard({ partitionKey, hash });
    else if (entry === undefined) this.discard(partitionKey, hash);
    return entry;
  }

  async describe(partitionKey: string, hash: FragmentHash): Promise<EntryDescription | undefined> {
    const [read] = await this.read(partitionKey, [hash], 'none');
    return read?.description;
  }

  async delete(partitionKey: string, hash: FragmentHash): Promise<boolean> {
    const { names } = this;
    const place = { partitionKey, hash };
    const keys = [...names.lists(partitionKey), ...names.entry(partitionKey, hash)];
    const args = [hash, names.changes, encodeChange({ by: this.self, ...place })];
    const deleted = await this.changes.make(
      place,
      () => this.script('delete', keys, args),
      (count) => {
        this.notes.forget(partitionKey, hash);
        return count === 1 ? { kind: 'deleted', partitionKey, hash } : undefined;
      },
    );
    return deleted === 1;
  }

  async intersect(partitionKey: string, hashes: readonly FragmentHash[]): Promise<Intersection> {
    this.checkOpen();
    const asked = [...new Set(hashes)];
    if (asked.length === 0) return { hits: [], keys: undefined };
    const keys = [
      this.names.scratch(partitionKey),
      ...asked.flatMap((hash) => this.names.entry(partitionKey, hash)),
    ];
    const reply = await this.script('intersect', keys, [this.storage.intersection]);
    const [numbers, records, stored, counts] = reply as [
      number[],
      Buffer[],
      Buffer[] | Buffer | null,
      number[],
    ];
    const hits = numbers.flatMap((number) => asked[number - 1] ?? []);
    if (stored === null || hits.length === 0) return { hits: [], keys: undefined };
    const together = Array.isArray(stored) ? stored : [stored];
    const read = this.decoder.intersection(partitionKey, { hashes: hits, records, stored: together, counts });
    if (!('damaged' in read)) return { hits, keys: read };
    for (const hash of read.damaged) this.discard(partitionKey, hash);
    const others = hits.filter((hash) => !read.damaged.includes(hash));
    return this.intersect(partitionKey, others);
  }

  async *list(partitionKey?: string): AsyncGenerator<EntryDescription, void, undefined> {
    const names = partitionKey === undefined ? [...(await this.partitionKeys()).keys()] : [partitionKey];
    for (const name of names) {
      for await (const descriptions of this.pages(name)) yield* descriptions;
    }
  }

  async count(partitionKey: string): Promise<number> {
    let count = 0;
    for await (const descriptions of this.pages(partitionKey)) count += descriptions.length;
    return count;
  }

  async dropPartitionKey(partitionKey: string): Promise<number> {
    const { names } = this;
    const place = { partitionKey };
    const keys = [names.registration(partitionKey), ...names.lists(partitionKey)];
    const message = encodeChange({ by: this.self, ...place });
    const args = [names.descriptions(partitionKey), names.keySets(partitionKey), names.changes, message];
    const drop = async (found: readonly string[] = []): Promise<number> =>
      Number(await this.script('drop', keys, [...args, completeMark, ...found]));
    const write = async (): Promise<number> => {
      let entries = await drop();
      if (entries === -2)
        entries = await drop(['found', ...(await this.command(() => this.index.scan(partitionKey)))]);
      await this.command(({ client }) => client.srem(names.registry, partitionKey));
      return entries;
    };
    const entries = await this.changes.make(place, write, (count) => {
      this.registered.delete(partitionKey);
      this.notes.forgetPartitionKey(partitionKey);
      return count < 0 ? undefined : { kind: 'dropped', partitionKey };
    });
    return Math.max(0, entries);
  }

  async touch(partitionKey: string, uses: readonly EntryUse[]): Promise<void> {
    this.checkOpen();
    return this.notes.note(partitionKey, uses);
  }

  subscribe(listener: (change: CacheChange) => void): () => void {
    return this.changes.subscribe(listener);
  }

  /** Writes what is noted, and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.closing ??= this.close();
    return this.closing;
  }

  private async close(): Promise<void> {
    await this.notes.flush();
    await this.listener?.[Symbol.asyncDispose]();
    await this.changes.close();
    await this.options.connections[Symbol.asyncDispose]();
  }

  /** The descriptions of a partition key's entries, some at a time. */
  private async *pages(partitionKey: string): AsyncGenerator<EntryDescription[], void, undefined> {
    const hashes = await this.command(() => this.index.hashes(partitionKey));
    for (let i = 0; i < hashes.length; i += readAtOnce) {
      const read = await this.read(partitionKey, hashes.slice(i, i + readAtOnce), 'none');
      yield read.flatMap((entry) => entry?.description ?? []);
    }
  }

  /** In the order asked; undefined for what is not there. */
  private async read(
    partitionKey: string,
    hashes: readonly FragmentHash[],
    form: RedisStorage['form'] | 'none',
  ): Promise<(ReadEntry | undefined)[]> {
    const keys = [
      ...this.names.lists(partitionKey),
      ...hashes.flatMap((hash) => this.names.entry(partitionKey, hash)),
    ];
    const reply = await this.script('read', keys, [form, this.names.changes, partitionKey, ...hashes]);
    type Read = [Buffer, Buffer, Buffer | null, Buffer | null, Buffer[] | Buffer | null];
    return (reply as (Read | null)[]).map((entry, i) => {
      if (entry === null) return undefined;
      const [record, lastUsed, uses, savedMs, stored] = entry;
      const hash = hashes[i];
      const description = hash && this.decoder.description(partitionKey, hash, record);
      if (description === undefined) return undefined;
      const lastUsedAt = Math.max(description.lastUsedAt, numberOf(lastUsed));
      const benefit = { uses: numberOf(uses), savedMs: numberOf(savedMs) };
      return {
        description: this.notes.latest(withBenefit({ ...description, lastUsedAt }, benefit)),
        stored: stored === null ? undefined : Array.isArray(stored) ? stored : [stored],
      };
    });
  }

  /** Removes what is of no use, for it to be computed again. */
  private discard(partitionKey: string, hash: FragmentHash): void {
    void this.delete(partitionKey, hash).catch((error: unknown) => {
      this.options.warn(`${this.name}: a damaged entry could not be removed`, error);
    });
  }

  private entryOf({ description, stored }: ReadEntry): CacheEntry | undefined {
    if (stored === undefined) return { ...description, keys: undefined };
    const keys = this.decoder.keys(description, stored);
    return keys === undefined ? undefined : { ...description, keys };
  }

  private async datatypeOf(partitionKey: string): Promise<PartitionKeyType | undefined> {
    return this.registered.get(partitionKey) ?? (await this.partitionKeys()).get(partitionKey);
  }

  private async writeNotes(notes: ReadonlyMap<string, NotedUses>): Promise<void> {
    const { client } = this.options.connections;
    for (const [partitionKey, noted] of notes) {
      const args = [...noted].flatMap(([hash, { at, uses, savedMs }]): RedisArgument[] => [
        ...[hash, at, uses, savedMs],
      ]);
      await this.attempt(() => runScript(client, 'cache', 'touch', this.names.lists(partitionKey), args));
    }
  }

  private heard(payload: string): void {
    const message = decodeChange(payload);
    if (message === undefined) return;
    if (message.by === this.self) {
      this.changes.heardOwn(message);
      return;
    }
    const { partitionKey, hash }: ChangedPlace = message;
    if (partitionKey !== undefined && hash === undefined) this.registered.delete(partitionKey);
    if (partitionKey !== undefined && hash !== undefined) this.notes.forget(partitionKey, hash);
    this.changes.heard(message);
  }

  private script(name: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return this.command(({ client }) => runScript(client, 'cache', name, keys, args));
  }

  private async command<T>(work: (connections: RedisConnections) => Promise<T>): Promise<T> {
    this.checkOpen();
    return this.attempt(() => work(this.options.connections));
  }

  /** Whatever keeps the server from answering makes the store unavailable; the cause tells what it was. */
  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // ioredis has an error class for some of its troubles only; a mistake of ours is none of them.
      if (!(error instanceof Error) || error instanceof TypeError) throw error;
      const cause = this.options.connections.explain(error);
      throw new CacheUnavailableError(this.name, cause.message, { cause });
    }
  }

  private checkOpen(): void {
    if (this.closing !== undefined) throw new CacheUnavailableError(this.name, 'it is closed');
  }
}

/** 0 for what is not there, or what somebody else has put there. */
function numberOf(stored: Buffer | null): number {
  const value = Number(stored?.toString());
  return Number.isFinite(value) ? value : 0;
}

function datatypeOf(stored: string | null): PartitionKeyType | undefined {
  return partitionKeyTypes.find((type) => type === stored);
}
