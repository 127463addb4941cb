import { mkdir } from 'node:fs/promises';
import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
import { StartError } from '../../../errors/start-error';
import {
  type NativeIterator,
  type NativeOperation,
  type NativeRange,
  type NativeRocksdb,
  nativeRocksdb,
  promised,
} from './native-rocksdb';
import { translateError, translateOpenError } from './store-errors';

export interface StorePair {
  readonly key: Buffer;
  /** Empty if the range was read without values. */
  readonly value: Buffer;
}

/** Pairs an iterator fetches between two turns of the event loop. */
const pairsPerRead = 256;

interface OpenRange {
  readonly iterator: NativeIterator;
  /** The read going on, if any: an iterator must not be ended under it. */
  reading: Promise<unknown>;
  isEnded: boolean;
}

/**
 * An open RocksDB directory: bytes by bytes, in order. It guards the binding (see native-rocksdb.ts): operations after
 * `close` reject with CacheUnavailableError, and `close` waits for those under way. Damage rejects with
 * DamagedStoreError.
 */
export class RocksdbStore {
  private readonly ranges = new Set<OpenRange>();
  private readonly operations = new Set<Promise<unknown>>();
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly backend: string,
    private readonly native: NativeRocksdb,
  ) {}

  /** Creates the directory if need be. Rejects with StartError (locked, not accessible) or DamagedStoreError. */
  static async open(backend: string, directory: string): Promise<RocksdbStore> {
    await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
      throw new StartError(`the cache directory ${directory} cannot be made: ${String(cause)}`, { cause });
    });
    const native = nativeRocksdb(directory);
    await promised((callback) => native.open({ createIfMissing: true }, callback)).catch((error: unknown) => {
      throw translateOpenError(directory, error);
    });
    return new RocksdbStore(backend, native);
  }

  /** The values, from one snapshot, in the order of the keys; undefined where there is none. */
  async getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    if (keys.length === 0) return [];
    const values = await this.run<readonly (Buffer | undefined)[]>((callback) =>
      this.native.getMany(keys, callback),
    );
    return values ?? [];
  }

  /** Writes all or nothing. With `sync` it is on disk when the promise resolves. */
  async write(operations: readonly NativeOperation[], { sync }: { readonly sync: boolean }): Promise<void> {
    if (operations.length === 0) return;
    await this.run((callback) => this.native.batch(operations, { sync }, callback));
  }

  /** The pairs of a range in order of their keys, as they are now. */
  async *range(range: NativeRange): AsyncGenerator<StorePair, void, undefined> {
    this.checkOpen();
    const open: OpenRange = {
      iterator: this.native.iterator(range),
      reading: Promise.resolve(),
      isEnded: false,
    };
    this.ranges.add(open);
    try {
      for (;;) {
        this.checkOpen();
        const read = readPairs(open.iterator);
        open.reading = read;
        const pairs = await read.catch((error: unknown) => {
          throw translateError(this.backend, error);
        });
        yield* pairs;
        if (pairs.length < pairsPerRead) return;
      }
    } finally {
      await this.endRange(open);
    }
  }

  /** Waits for what is under way, ends open ranges, gives the directory free. */
  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    await Promise.allSettled(this.operations);
    await Promise.all([...this.ranges].map((range) => this.endRange(range)));
    await promised((callback) => this.native.close(callback));
  }

  private async endRange(range: OpenRange): Promise<void> {
    if (range.isEnded) return;
    range.isEnded = true;
    await Promise.allSettled([range.reading]);
    await promised((callback) => range.iterator.end(callback));
    this.ranges.delete(range);
  }

  private async run<T>(
    call: (callback: (error?: Error | null, result?: T) => void) => void,
  ): Promise<T | undefined> {
    this.checkOpen();
    const operation = promised(call);
    this.operations.add(operation);
    try {
      return await operation;
    } catch (error) {
      throw translateError(this.backend, error);
    } finally {
      this.operations.delete(operation);
    }
  }

  private checkOpen(): void {
    if (this.closing !== undefined) throw new CacheUnavailableError(this.backend, 'it is closed');
  }
}

/** The next pairs; fewer than `pairsPerRead` at the end. A promise for each pair would be half the time of a scan. */
function readPairs(iterator: NativeIterator): Promise<StorePair[]> {
  return new Promise((resolve, reject) => {
    const pairs: StorePair[] = [];
    const step = (): void =>
      iterator.next((error, key, value) => {
        if (error) {
          reject(error);
        } else if (key === undefined) {
          resolve(pairs);
        } else {
          pairs.push({ key, value: value ?? Buffer.alloc(0) });
          if (pairs.length === pairsPerRead) resolve(pairs);
          else step();
        }
      });
    step();
  });
}
