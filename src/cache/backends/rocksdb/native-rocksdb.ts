import { createRequire } from 'node:module';
import { StartError } from '../../../errors/start-error';

/** `undefined` or `null` for no error; the binding uses both. */
type Callback<T extends readonly unknown[] = []> = (error?: Error | null, ...results: T) => void;

export type NativeOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer };

/** With `errorIfExists` it fails once it has the lock, before it reads anything. */
export interface NativeOpenOptions {
  readonly createIfMissing: boolean;
  readonly errorIfExists?: boolean;
}

/**
 * What we use of the package `rocksdb` (abstract-leveldown 7), which has no types of its own. The binding does not guard
 * itself: a call before `open` has called back, or after `close`, ends the process. RocksdbStore keeps the order.
 */
export interface NativeRocksdb {
  open(options: NativeOpenOptions, callback: Callback): void;
  close(callback: Callback): void;
  /** From one snapshot, in the order asked; undefined where there is none. Checks RocksDB's checksums. */
  getMany(keys: readonly Buffer[], callback: Callback<[values: readonly (Buffer | undefined)[]]>): void;
  /** Whole or not at all. `sync`: on disk when it calls back, so that it survives a loss of power too. */
  batch(
    operations: readonly NativeOperation[],
    options: { readonly sync: boolean },
    callback: Callback,
  ): void;
}

type NativeConstructor = new (location: string) => NativeRocksdb;

/**
 * The database in a directory, not opened yet. The binary is loaded at the first call only, so that a machine for which
 * there is none can still use the other backends.
 */
export function nativeRocksdb(directory: string): NativeRocksdb {
  const Constructor = loadBinding();
  return new Constructor(directory);
}

function loadBinding(): NativeConstructor {
  try {
    return createRequire(__filename)('rocksdb') as NativeConstructor;
  } catch (cause) {
    throw new StartError(
      `no RocksDB binary for ${process.platform} ${process.arch}; build one with "npm rebuild rocksdb --build-from-source" (needs python3, make and a C++ compiler), or choose another cache.backend`,
      { cause },
    );
  }
}

/** Turns a call with a callback into a promise. */
export function promised<T>(
  call: (callback: (error?: Error | null, result?: T) => void) => void,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
