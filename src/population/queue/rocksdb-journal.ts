import { Batches } from './batches';
import type { QueuedWork } from './in-process-queue';
import type { QueueJournal } from './queue-journal';
import { UnreadableWorkError, type WorkKind } from './work-kind';

export type ByteOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer };

/** What is needed of an open RocksDB: bytes by bytes, several at once or none. */
export interface ByteStore {
  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]>;
  write(operations: readonly ByteOperation[], options: { readonly sync: boolean }): Promise<void>;
}

/** Seals a record and opens it again; throws for one that is damaged. */
export interface RecordSeal {
  seal(payload: Uint8Array): Buffer;
  open(record: Buffer): Buffer;
}

/** What a record says. */
interface Slot {
  readonly queuedAt: number;
  readonly priority: number;
  readonly attempts: number;
  readonly runAt: number;
  readonly work: unknown;
}

/** Slots read at once. */
const chunk = 1_000;

/**
 * The queues of one process in a RocksDB: each piece of work has a numbered slot, and how many slots there are is written down, as nothing is
 * found by reading a range (see store-layout.ts of the cache). Slots that fall free are used again, so there are as many as the queue was
 * ever long.
 *
 *     n tier NUL source           how many slots there are
 *     w tier NUL source NUL slot  a piece of work
 *
 * Written without waiting for the disk: it survives the process, and a loss of power costs what is learned again from the next slow query.
 */
export class RocksdbJournal<Work> implements QueueJournal<Work> {
  readonly #slots = new Map<string, number>();
  readonly #free: number[] = [];
  /** One after the other: two writes under way at once may come to the store in any order. */
  readonly #writes: Batches<readonly ByteOperation[], true>;
  #size: number;

  private constructor(
    store: ByteStore,
    private readonly seal: RecordSeal,
    private readonly kind: WorkKind<Work>,
    private readonly source: string,
    readonly items: readonly QueuedWork<Work>[],
    slots: readonly (QueuedWork<Work> | undefined)[],
  ) {
    this.#size = slots.length;
    this.#writes = new Batches(async (operations) => {
      await store.write(operations.flat(), { sync: false });
      return operations.map(() => true as const);
    });
    slots.forEach((item, slot) => {
      if (item === undefined) this.#free.push(slot);
      else this.#slots.set(kind.hashOf(item.work), slot);
    });
  }

  /** Reads what the last process left. A record that cannot be read is told of and left out. */
  static async open<Work>(
    store: ByteStore,
    seal: RecordSeal,
    kind: WorkKind<Work>,
    source: string,
    warn: (message: string, cause: unknown) => void,
  ): Promise<RocksdbJournal<Work>> {
    const read = (record: Buffer | undefined): unknown => {
      if (record === undefined) return undefined;
      try {
        return JSON.parse(seal.open(record).toString('utf8')) as unknown;
      } catch (error) {
        warn('a record of the queue is damaged and is left out', error);
        return undefined;
      }
    };
    const [sizeRecord] = await store.getMany([sizeKey(kind, source)]);
    const written = read(sizeRecord);
    const size = typeof written === 'number' ? written : 0;
    const slots: (QueuedWork<Work> | undefined)[] = [];
    for (let first = 0; first < size; first += chunk) {
      const numbers = Array.from({ length: Math.min(chunk, size - first) }, (_, i) => first + i);
      const records = await store.getMany(numbers.map((slot) => slotKey(kind, source, slot)));
      for (const record of records) slots.push(readSlot(kind, read(record), warn));
    }
    const items = slots.filter((item) => item !== undefined).sort((a, b) => a.queuedAt - b.queuedAt);
    return new RocksdbJournal(store, seal, kind, source, items, slots);
  }

  async put(items: readonly (readonly [hash: string, item: QueuedWork<Work>])[]): Promise<void> {
    const { kind, source } = this;
    const sizeBefore = this.#size;
    const operations = items.map(([hash, item]): ByteOperation => {
      const slot = this.#slots.get(hash) ?? this.#free.pop() ?? this.#size++;
      this.#slots.set(hash, slot);
      return { type: 'put', key: slotKey(kind, source, slot), value: this.#record(item) };
    });
    if (this.#size !== sizeBefore) {
      const value = this.seal.seal(Buffer.from(JSON.stringify(this.#size)));
      operations.push({ type: 'put', key: sizeKey(kind, source), value });
    }
    await this.#writes.add(operations);
  }

  async remove(hashes: readonly string[]): Promise<void> {
    const freed = hashes.flatMap((hash) => {
      const slot = this.#slots.get(hash);
      this.#slots.delete(hash);
      return slot === undefined ? [] : [slot];
    });
    // Whoever takes the slot next writes after this.
    this.#free.push(...freed);
    const key = (slot: number): Buffer => slotKey(this.kind, this.source, slot);
    await this.#writes.add(freed.map((slot) => ({ type: 'del', key: key(slot) })));
  }

  #record({ work, queuedAt, priority, attempts, runAt }: QueuedWork<Work>): Buffer {
    const encoded = JSON.parse(this.kind.encode(work)) as unknown;
    const slot: Slot = { queuedAt, priority, attempts, runAt, work: encoded };
    return this.seal.seal(Buffer.from(JSON.stringify(slot)));
  }
}

function readSlot<Work>(
  kind: WorkKind<Work>,
  parsed: unknown,
  warn: (message: string, cause: unknown) => void,
): QueuedWork<Work> | undefined {
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { work, queuedAt, priority, attempts, runAt } = parsed as Slot;
  try {
    return { work: kind.decode(work), queuedAt, priority, attempts, runAt };
  } catch (error) {
    if (!(error instanceof UnreadableWorkError)) throw error;
    warn('a piece of work in the queue is of another version and is left out', error);
    return undefined;
  }
}

function sizeKey({ name }: { readonly name: string }, source: string): Buffer {
  return Buffer.from(`n${name}\0${source}`);
}

function slotKey({ name }: { readonly name: string }, source: string, slot: number): Buffer {
  return Buffer.from(`w${name}\0${source}\0${slot}`);
}
