import { CacheUnavailableError } from '../errors/cache-unavailable-error';
import type { CacheBackend } from './cache-backend';
import type { CacheEvents, CacheOperation } from './cache-events';
import { type ProbePauses, StoreWatch } from './store-watch';

export interface StoreGuardOptions {
  readonly name: string;
  /** Opens the store; called again, with pauses, as long as it rejects with CacheUnavailableError. */
  readonly open: () => Promise<CacheBackend>;
  /** What was not answered by then makes the store count as away, until it answers anything. */
  readonly overdueMs: number;
  /** How long the start waits for the store to open. */
  readonly startMs: number;
  readonly pauses: ProbePauses;
  readonly events: CacheEvents;
  /** The store was opened, once. */
  readonly opened: (store: CacheBackend) => void;
  /** The store answers again, or for the first time: it is not taken for found before this has resolved. */
  readonly found: (store: CacheBackend) => Promise<void>;
}

/** Asks a store only while it can be expected to answer. Owns it, from when it is opened. */
export class StoreGuard implements AsyncDisposable {
  private opened: CacheBackend | undefined;
  private opening: Promise<CacheBackend> | undefined;
  private readonly watch: StoreWatch;
  private cannotWrite: string | undefined;
  /** Whether being answered is not enough: `found` has something to make up for. */
  private owes = false;
  private isClosed = false;

  constructor(private readonly options: StoreGuardOptions) {
    this.watch = new StoreWatch(() => this.probe(), options.pauses, options.events);
  }

  get store(): CacheBackend | undefined {
    return this.opened;
  }

  /** What is wrong with the store, in a sentence; undefined if all is well. */
  get trouble(): string | undefined {
    const away = this.watch.awayBecause;
    if (away !== undefined) return `the store does not answer, statements go unrestricted: ${away}`;
    return this.cannotWrite === undefined ? undefined : `nothing new can be kept: ${this.cannotWrite}`;
  }

  /** Resolves when the store is open, or does not answer; rejects as `open` does for other reasons. */
  async start(): Promise<void> {
    const { startMs } = this.options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), startMs);
    });
    try {
      const first = await Promise.race([this.open(), late]);
      if (first === 'late') this.watch.lost(`it could not be opened within ${startMs} ms`);
    } catch (error) {
      if (!(error instanceof CacheUnavailableError)) throw error;
      this.watch.lost(error.message);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Something could not be done that has to be made up for: the store counts as away until `found` has resolved. */
  lost(reason: string): void {
    this.owes = true;
    this.watch.lost(reason);
  }

  /** Rejects with CacheUnavailableError, at once if the store is away. */
  ask<T>(operation: CacheOperation, work: (store: CacheBackend) => Promise<T>): Promise<T> {
    return this.attempt(operation, work, (error) => this.watch.lost(error.message));
  }

  /** The same; but it also makes the store away if the answer is overdue. For what somebody waits for. */
  async askInTime<T>(operation: CacheOperation, work: (store: CacheBackend) => Promise<T>): Promise<T> {
    const { overdueMs } = this.options;
    return this.ask(operation, async (store) => {
      const overdue = setTimeout(() => this.watch.lost(`no answer within ${overdueMs} ms`), overdueMs);
      try {
        return await work(store);
      } finally {
        clearTimeout(overdue);
      }
    });
  }

  /** The same for what changes the store. That it fails does not make the store away: a full one can still be read. */
  async write<T>(operation: CacheOperation, work: (store: CacheBackend) => Promise<T>): Promise<T> {
    const result = await this.attempt(operation, work, (error) => {
      this.cannotWrite = error.message;
      // Rejected, it has told the watch what was to be told.
      void this.ask('partitionKeys', (store) => store.partitionKeys()).catch(() => undefined);
    });
    this.cannotWrite = undefined;
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    await this.watch[Symbol.asyncDispose]();
    // One that is being opened is to be closed as well; one that cannot be is none of anybody's concern any more.
    await this.opening?.catch(() => undefined);
    await this.opened?.[Symbol.asyncDispose]();
  }

  private async attempt<T>(
    operation: CacheOperation,
    work: (store: CacheBackend) => Promise<T>,
    failed: (error: CacheUnavailableError) => void,
  ): Promise<T> {
    const { opened } = this;
    const away = this.watch.awayBecause;
    if (opened === undefined || this.isClosed || away !== undefined) {
      this.options.events.ended(operation, 'refused', 0);
      const reason = this.isClosed ? 'it is closed' : `it is away (${away ?? 'not open yet'})`;
      throw new CacheUnavailableError(this.options.name, reason);
    }
    try {
      const result = await this.counted(operation, () => work(opened));
      if (!this.owes) this.watch.answered();
      return result;
    } catch (error) {
      if (error instanceof CacheUnavailableError) failed(error);
      throw error;
    }
  }

  /** Opens the store, one attempt at a time. */
  private open(): Promise<CacheBackend> {
    this.opening ??= this.counted('open', this.options.open)
      .then((store) => {
        this.opened = store;
        this.options.opened(store);
        return store;
      })
      .finally(() => {
        this.opening = undefined;
      });
    return this.opening;
  }

  private async probe(): Promise<void> {
    const store = this.opened ?? (await this.open());
    await this.counted('partitionKeys', () => store.partitionKeys());
    await this.options.found(store);
    this.owes = false;
    // What kept it from being written was most likely the same; if not, the next write tells.
    this.cannotWrite = undefined;
  }

  private async counted<T>(operation: CacheOperation, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const count = (outcome: 'ok' | 'failed'): void =>
      this.options.events.ended(operation, outcome, (performance.now() - startedAt) / 1_000);
    try {
      const result = await work();
      count('ok');
      return result;
    } catch (error) {
      count(error instanceof CacheUnavailableError ? 'failed' : 'ok');
      throw error;
    }
  }
}
