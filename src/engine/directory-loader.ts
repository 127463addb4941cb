import type { CacheBackend, CacheChange } from '../cache/cache-backend';
import type { Directory } from '../cache/directory';
import { TimeSlices } from '../cache/time-slices';
import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import type { FragmentHash } from '../query/fragment/fragment';
import type { EngineLog } from './engine-events';

export interface DirectoryLoaderOptions {
  readonly backend: Pick<CacheBackend, 'list'>;
  readonly partitionKeys: readonly { readonly name: string }[];
  readonly log: EngineLog;
}

/**
 * Reads what is known of the partition keys into a directory, in the background. What is told of by the change feed meanwhile is newer
 * than what a listing says, in whatever order the two arrive: an entry that was told of is not taken from the listing, one that was
 * deleted least of all; and of a partition key that was dropped all there is by then is told.
 */
export class DirectoryLoader {
  /** Resolves when all is read, or cannot be; never rejects. */
  readonly finished: Promise<void>;
  readonly #told = new Set<string>();
  readonly #dropped = new Set<string>();
  #isStopped = false;
  #isLoading = true;
  #read = 0;

  /**
   * Begins at once. The directory must hear of changes from before that.
   * @param grown the directory has more entries than before
   */
  constructor(
    private readonly options: DirectoryLoaderOptions,
    private readonly directory: Directory,
    private readonly grown: () => void,
  ) {
    this.finished = this.#load().finally(() => {
      this.#isLoading = false;
      this.#told.clear();
      this.#dropped.clear();
    });
  }

  get isLoading(): boolean {
    return this.#isLoading;
  }

  /** What it is still to do, in a sentence; none when it has ended. */
  get troubles(): readonly string[] {
    return this.#isLoading ? [`what is cached is still being read (${this.#read} entries so far)`] : [];
  }

  /** The directory was told of a change. */
  noteChange(change: CacheChange): void {
    if (!this.#isLoading) return;
    if (change.kind === 'dropped') this.#dropped.add(change.partitionKey);
    else if (change.kind === 'deleted') this.#told.add(placeOf(change.partitionKey, change.hash));
    else this.#told.add(placeOf(change.entry.fragment.partitionKey, change.entry.fragment.hash));
  }

  /** Nothing is put into the directory any more. */
  stop(): void {
    this.#isStopped = true;
  }

  async #load(): Promise<void> {
    const { partitionKeys, log } = this.options;
    const startedAt = performance.now();
    for (const { name: partitionKey } of partitionKeys) {
      try {
        await this.#loadKey(partitionKey);
      } catch (error) {
        const message = 'what is cached is not known yet; statements go as they came until it is';
        if (error instanceof CacheUnavailableError) log.warn({ err: error, partitionKey }, message);
        else log.warn({ err: error, partitionKey }, 'what is cached could not be read');
      }
    }
    const ms = Math.round(performance.now() - startedAt);
    if (!this.#isStopped) log.info({ entries: this.#read, ms }, 'what is cached is known');
  }

  async #loadKey(partitionKey: string): Promise<void> {
    const slices = new TimeSlices();
    for await (const entry of this.options.backend.list(partitionKey)) {
      if (this.#isStopped || this.#dropped.has(partitionKey)) return;
      if (this.#told.has(placeOf(partitionKey, entry.fragment.hash))) continue;
      this.directory.put(entry);
      this.#read++;
      this.grown();
      await slices.pause();
    }
  }
}

function placeOf(partitionKey: string, hash: FragmentHash): string {
  return `${hash}${partitionKey}`;
}
