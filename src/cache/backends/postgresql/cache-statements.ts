import { CacheUnavailableError } from '../../../errors/cache-unavailable-error';
import { ControlConnectionError } from '../../../errors/control-connection-error';
import { ControlQueryError } from '../../../errors/control-query-error';
import type { ControlRow } from '../../../postgres/control-client';
import type { ControlPool } from '../../../postgres/control-pool';
import type { SqlFile } from '../../../postgres/sql-files';
import { cacheQuery, type CacheSchema, forCache } from './cache-schema';
import type { KeyColumn, KeyStorage } from './key-storage';

/** The statements of sql/cache/queries, for one cache and over its connections. */
export class CacheStatements {
  private readonly files = new Map<string, SqlFile>();

  constructor(
    private readonly storage: KeyStorage,
    private readonly schema: CacheSchema,
    /** Lent, not owned. */
    private readonly pool: ControlPool,
  ) {}

  /** @param column what stands for {column} */
  query<Row extends ControlRow>(
    name: string,
    parameters: readonly unknown[],
    column?: KeyColumn,
  ): Promise<readonly Row[]> {
    return this.attempt(() => this.pool.query<Row>(this.file(name, column), parameters));
  }

  /** Whatever keeps the store from answering makes it unavailable; the cause tells what it was. */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ControlConnectionError || error instanceof ControlQueryError)) throw error;
      throw new CacheUnavailableError(this.storage.name, error.message, { cause: error });
    }
  }

  private file(name: string, column?: KeyColumn): SqlFile {
    const key = `${name} ${column ?? ''}`;
    const known = this.files.get(key);
    if (known !== undefined) return known;
    const names = { ...(column === undefined ? {} : { column }), extension: this.storage.extension ?? '' };
    const file = forCache(cacheQuery(name), this.schema, names);
    this.files.set(key, file);
    return file;
  }
}
