import type { Catalog } from '../../../query/catalog/catalog';
import { renderFragment } from '../../../query/dialect/render-fragment';
import type { Fragment } from '../../../query/fragment/fragment';
import type { PartitionValue } from '../../../query/partition-key';
import type { FragmentOutcome, FragmentSource } from '../../fragment-source';
import { readCopiedKey, UnfaithfulKeyError } from './copied-key';
import type { CopyDatabase } from './copy-database';

export interface CopySourceOptions {
  /** Lent, not owned. */
  readonly database: CopyDatabase;
  /** The PostgreSQL database that fragments are learned in, which says what they mean; undefined while it cannot be read. */
  readonly catalog: () => Promise<Catalog | undefined>;
  /** Tables of this schema are in the copy, under their names. */
  readonly schema: string;
  readonly timeoutMs: number;
  readonly maxKeys: number;
  /** Of text keys, in bytes. Default: 64 MiB. */
  readonly maxTextBytes?: number;
}

/**
 * Runs fragments on a copy of the data in a database that is not PostgreSQL. It notices no changes: the keys of its fragments have to be promised
 * not to change, and the copy to hold the same rows.
 */
export class CopySource implements FragmentSource {
  constructor(private readonly options: CopySourceOptions) {}

  get name(): string {
    return this.options.database.dialect.name;
  }

  async run(fragment: Fragment, signal: AbortSignal): Promise<FragmentOutcome> {
    const { database, schema, timeoutMs, maxKeys } = this.options;
    const catalog = await this.options.catalog();
    if (signal.aborted) return { status: 'aborted' };
    if (catalog === undefined)
      return {
        status: 'unavailable',
        error: 'the catalog of the database is not read yet',
        hasStarted: false,
      };
    const rendered = renderFragment(fragment, { dialect: database.dialect, catalog, schema });
    if ('refused' in rendered) {
      const error = `${this.name} may not mean the same by ${rendered.refused}`;
      return { status: 'failed', error, isForGood: true };
    }
    const reading = await database.read(rendered, { timeoutMs, maxKeys, signal });
    if (reading.status !== 'read') return reading;
    try {
      return this.#outcome(reading.keys.map((key) => readCopiedKey(key, rendered.keyKind)));
    } catch (error) {
      if (error instanceof UnfaithfulKeyError) return { status: 'failed', error: error.message };
      throw error;
    }
  }

  #outcome(values: readonly (PartitionValue | null)[]): FragmentOutcome {
    const { maxKeys, maxTextBytes = 64 * 1024 * 1024 } = this.options;
    const keys = values.filter((value) => value !== null);
    if (keys.length > maxKeys) return { status: 'too_large', error: `more than ${maxKeys} keys` };
    const textBytes = keys.reduce<number>(
      (sum, key) => sum + (typeof key === 'string' ? Buffer.byteLength(key) : 0),
      0,
    );
    if (textBytes > maxTextBytes)
      return { status: 'too_large', error: `keys of more than ${maxTextBytes} bytes` };
    return { status: 'ok', keys, hasNullKey: keys.length < values.length, snapshot: undefined };
  }
}
