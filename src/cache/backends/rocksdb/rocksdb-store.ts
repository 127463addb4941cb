import { rm } from 'node:fs/promises';
import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
import { StartError } from '../../../errors/start-error';
import {
  type NativeOpenOptions,
  type NativeOperation,
  type NativeRocksdb,
  nativeRocksdb,
  promised,
} from './native-rocksdb';
import { makeDirectory } from './cache-directory';
import { isLockError, translateError, translateOpenError } from './store-errors';
import { findDeadlyTables } from './table-file';

/**
 * An open RocksDB directory: bytes by bytes. It guards the binding (see native-rocksdb.ts): operations after
 * `close` reject with CacheUnavailableError, and `close` waits for those under way. Damage rejects with
 * DamagedStoreError.
 */
export class RocksdbStore {
  private readonly operations = new Set<Promise<unknown>>();
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly backend: string,
    private readonly native: NativeRocksdb,
  ) {}

  /** Creates the directory if need be. Rejects with StartError (locked, not accessible) or DamagedStoreError. */
  static async open(backend: string, directory: string): Promise<RocksdbStore> {
    await makeDirectory(directory).catch((cause: unknown) => {
      throw new StartError(`the cache directory ${directory} cannot be made: ${String(cause)}`, { cause });
    });
    await removeDeadlyTables(directory);
    const native = await openNative(directory, { createIfMissing: true });
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

  /** Waits for what is under way and gives the directory free. */
  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    await Promise.allSettled(this.operations);
    await promised((callback) => this.native.close(callback));
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

async function openNative(directory: string, options: NativeOpenOptions): Promise<NativeRocksdb> {
  const native = nativeRocksdb(directory);
  await promised((callback) => native.open(options, callback)).catch((error: unknown) => {
    throw translateOpenError(directory, error);
  });
  return native;
}

/**
 * Removes the files that RocksDB would end the process over; see table-file.ts. If one was more than the remains of a
 * crash, RocksDB misses it when it wants to read it, and that is an ordinary damage.
 */
async function removeDeadlyTables(directory: string): Promise<void> {
  const paths = await findDeadlyTables(directory);
  if (paths.length === 0) return;
  // Whoever has the directory open may be writing just that file.
  await openNative(directory, { createIfMissing: false, errorIfExists: true }).catch((error: unknown) => {
    if (isLockError(error)) throw error;
  });
  for (const path of paths) await rm(path);
}
