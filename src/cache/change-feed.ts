import type { CacheChange } from './cache-backend';
import type { CacheWarning } from './cache-warning';

/** The changes of one backend, told to its listeners in the order they were made. */
export class ChangeFeed {
  private readonly listeners = new Set<(change: CacheChange) => void>();

  constructor(private readonly warn: CacheWarning) {}

  /** A listener given twice is called twice. */
  subscribe(listener: (change: CacheChange) => void): () => void {
    const own = (change: CacheChange): void => listener(change);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  /** A listener that throws is warned of and does not keep the others from hearing: the change has happened. */
  publish(change: CacheChange): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(change);
      } catch (error) {
        this.warn(`a listener failed on the cache change "${change.kind}"`, error);
      }
    }
  }

  close(): void {
    this.listeners.clear();
  }
}
