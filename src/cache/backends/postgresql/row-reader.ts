import type { FragmentHash } from '../../../query/fragment/fragment';
import type { EntryDescription } from '../../cache-backend';
import type { CacheWarning } from '../../cache-warning';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import type { KeySet } from '../../key-set';
import { descriptionOfRow, type EntryRow } from './entry-row';
import type { KeyStorage } from './key-storage';

/** Reads rows of entries. What somebody else has changed, or another version has written, is warned of, and as good as missing: undefined. */
export class RowReader {
  constructor(
    private readonly storage: KeyStorage,
    private readonly warn: CacheWarning,
  ) {}

  description(partitionKey: string, row: EntryRow): EntryDescription | undefined {
    return this.sound(partitionKey, row.hash, () => descriptionOfRow(partitionKey, row));
  }

  keys(
    { fragment: { partitionKey, hash, datatype }, keyCount, hasNullKey }: EntryDescription,
    bytes: Buffer | null,
  ): KeySet | undefined {
    return this.sound(partitionKey, hash, () => {
      if (bytes === null) throw new DamagedRecordError('has lost its keys');
      const keys = this.storage.decode(datatype, bytes, hasNullKey);
      if (keys.size === keyCount) return keys;
      throw new DamagedRecordError(`has ${keys.size} keys where it had ${keyCount}`);
    });
  }

  private sound<T>(partitionKey: string, hash: FragmentHash, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof DamagedRecordError)) throw error;
      this.warn(
        `${this.storage.name}: entry ${hash} of ${partitionKey} ${error.message}; it is not used`,
        error,
      );
      return undefined;
    }
  }
}
