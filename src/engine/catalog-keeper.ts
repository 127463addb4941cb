import { messageOf } from '../errors/message-of';
import { constraintProblems } from '../query/analysis/added-constraints';
import { catalogVersion, hasCatalogChanged, stampCatalog } from '../freshness/catalog-stamp';
import type { Catalog } from '../query/catalog/catalog';
import type { PartitionKey } from '../query/partition-key';
import { readCatalog, type StampReading } from '../postgres/catalog/read-catalog';
import { readDatabaseIdentity } from '../postgres/catalog/read-database-identity';
import type { ControlPool } from '../postgres/control-pool';
import type { EngineLog } from './engine-events';
import { tableProblems } from './tracked-tables';

/** Wait before reading again after the database could not be reached, in milliseconds. */
const retryMs = 3_000;

/**
 * Keeps the catalog of one database. While it is being read, after DDL for instance, there is none, and nothing is
 * rewritten; while the database cannot be reached the same, and it is tried again and again.
 */
export class CatalogKeeper {
  #current: Catalog | undefined;
  #databaseIdentity = '';
  #listener: (catalog: Catalog | undefined) => void = () => undefined;
  #reading: Promise<void> | undefined;
  #isStale = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #checkTimer: NodeJS.Timeout | undefined;
  /** What was last said to be in the way of tracking. */
  #problem: string | undefined;
  #failure: string | undefined;

  constructor(
    private readonly pool: ControlPool,
    private readonly partitionKeys: readonly PartitionKey[],
    private readonly log: EngineLog,
    /** Where changes are tracked, and how often it is looked there whether DDL came from elsewhere, in milliseconds. */
    private readonly changes?: { readonly schema: string; readonly checkMs: number },
  ) {}

  get current(): Catalog | undefined {
    return this.#current;
  }

  /** Why there is none, if the last reading failed. */
  get trouble(): string | undefined {
    return this.#failure;
  }

  /** Tells the database from others; only meaningful while there is a catalog. */
  get databaseIdentity(): string {
    return this.#databaseIdentity;
  }

  onChange(listener: (catalog: Catalog | undefined) => void): void {
    this.#listener = listener;
  }

  start(): void {
    this.refresh();
    this.#checkLater();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#checkTimer);
  }

  /** What is known is forgotten at once, and read again. */
  refresh(): void {
    this.#set(undefined);
    this.#isStale = true;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
  }

  /** Resolves when no reading is under way. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    // DDL may come while the catalog is being read: then what was read may be from before it.
    while (this.#isStaleNow()) {
      this.#isStale = false;
      try {
        this.#databaseIdentity = await readDatabaseIdentity(this.pool);
        const stampReading = await this.#beforeReading();
        const catalog = await readCatalog(this.pool, this.partitionKeys, stampReading);
        if (!this.#isStaleNow()) this.#accept(catalog);
      } catch (error) {
        // Whoever stopped it has closed the pool as well.
        if (this.#isStopped) return;
        this.#failure = `the catalog cannot be read: ${messageOf(error)}`;
        this.log.warn({ err: error }, 'the catalog could not be read; nothing is restricted until it can');
        this.#retryLater();
      }
    }
  }

  /** What is asked in the transaction that reads the catalog, if anything can be; something has to be asked before it. */
  async #beforeReading(): Promise<StampReading | undefined> {
    if (this.changes === undefined) return undefined;
    const { schema } = this.changes;
    const version = await catalogVersion(this.pool, schema);
    const problem = 'problem' in version ? version.problem : undefined;
    if (problem !== undefined && problem !== this.#problem)
      this.log.warn({ problem }, 'nothing is restricted by keys that are to be exact');
    this.#problem = problem;
    return 'problem' in version ? undefined : (client) => stampCatalog(client, schema, version);
  }

  /**
   * DDL that did not come this way. Statements do not depend on it being noticed here: they ask for themselves, and read everything if the
   * catalog has changed. Where nothing is tracked yet, that may change as well.
   */
  #checkLater(): void {
    const { changes } = this;
    if (changes === undefined || this.#isStopped) return;
    this.#checkTimer = setTimeout(() => {
      void this.#hasChanged(changes.schema).then((hasChanged) => {
        if (hasChanged && !this.#isStopped) this.refresh();
        this.#checkLater();
      });
    }, changes.checkMs).unref();
  }

  async #hasChanged(schema: string): Promise<boolean> {
    const { current } = this;
    // It is being read, or tried to be.
    if (current === undefined) return false;
    try {
      return current.reading === undefined
        ? !('problem' in (await catalogVersion(this.pool, schema)))
        : await hasCatalogChanged(this.pool, schema, current.reading);
    } catch (error) {
      this.log.debug({ err: error }, 'it could not be asked whether the catalog has changed');
      return false;
    }
  }

  /** A method, since both flags change while the reading is waited for. */
  #isStaleNow(): boolean {
    return this.#isStale && !this.#isStopped;
  }

  #accept(catalog: Catalog): void {
    for (const key of this.partitionKeys) {
      for (const problem of tableProblems(key, catalog)) {
        this.log.warn({ partitionKey: key.name, problem }, 'a table of the configuration cannot be used');
      }
      for (const problem of constraintProblems(key, catalog)) {
        this.log.warn({ partitionKey: key.name, problem }, 'a condition of the configuration cannot be used');
      }
    }
    this.#failure = undefined;
    this.#set(catalog);
  }

  #retryLater(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), retryMs).unref();
  }

  #set(catalog: Catalog | undefined): void {
    this.#current = catalog;
    this.#listener(catalog);
  }
}
