import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
import type { PartitionKeyType } from '../../../query/partition-key';
import type { CacheWarning } from '../../cache-warning';
import { directoryIdentity } from './cache-directory';
import { openCacheStore, setAsideDamaged } from './open-cache-store';
import { registrationsOperation } from './registrations';
import type { RocksdbStore } from './rocksdb-store';
import { DamagedStoreError } from './store-errors';

/**
 * The store of a backend, and the empty one that takes its place should it turn out damaged while in use. The registered
 * partition keys are carried over; the entries are lost.
 */
export class ReplaceableStore {
  private replacing: Promise<void> | undefined;

  private constructor(
    private readonly backend: string,
    private readonly directory: string,
    private readonly warn: CacheWarning,
    private store: RocksdbStore,
    /** The registered partition keys; kept up to date by the backend. */
    readonly registered: Map<string, PartitionKeyType>,
    private identity: bigint | undefined,
    /** Called after the store was replaced. */
    private readonly onReplaced: () => void,
  ) {}

  /** Rejects with StartError if the directory is in use or cannot be used; see openCacheStore. */
  static async open(
    backend: string,
    directory: string,
    warn: CacheWarning,
    onReplaced: () => void,
  ): Promise<ReplaceableStore> {
    const { store, registered } = await openCacheStore(backend, directory, warn);
    const identity = await directoryIdentity(directory);
    return new ReplaceableStore(backend, directory, warn, store, registered, identity, onReplaced);
  }

  get current(): RocksdbStore {
    return this.store;
  }

  /** Runs an operation; if the store turns out damaged, once more on the empty one that takes its place. */
  async attempt<T>(operation: (store: RocksdbStore) => Promise<T>): Promise<T> {
    const { store } = this;
    try {
      return await operation(store);
    } catch (error) {
      if (!(error instanceof DamagedStoreError)) throw error;
      await this.replace(store, error);
      return operation(this.store);
    }
  }

  /** Sets a damaged store aside, whoever notices first. Until the empty one is there, operations reject as unavailable. */
  async replace(store: RocksdbStore, cause: DamagedStoreError): Promise<void> {
    if (this.store !== store) return;
    this.replacing ??= this.replaceNow(cause).finally(() => (this.replacing = undefined));
    await this.replacing;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.replacing]);
    await this.store.close();
  }

  private async replaceNow(cause: DamagedStoreError): Promise<void> {
    try {
      await this.store.close();
      await setAsideDamaged(this.directory, this.identity, cause, this.warn);
      const { store } = await openCacheStore(this.backend, this.directory, this.warn);
      await store.write([registrationsOperation(this.registered)], { sync: true });
      this.identity = await directoryIdentity(this.directory);
      this.store = store;
    } catch (error) {
      throw new CacheUnavailableError(this.backend, 'it is damaged and could not be started anew', {
        cause: error,
      });
    }
    this.onReplaced();
  }
}
