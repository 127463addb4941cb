import type { FragmentHash } from '../../../query/fragment/fragment';
import type { EntryDescription } from '../../cache-backend';
import type { CacheWarning } from '../../cache-warning';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { decodeDescription } from '../../codecs/description-codec';
import type { KeySet } from '../../key-set';
import { intersectKeySets } from '../../key-sets/intersect-key-sets';
import type { RedisStorage } from './redis-storage';

/** What the script `intersect` gives, in the order of the entries that took part. */
export interface IntersectReply {
  readonly hashes: readonly FragmentHash[];
  readonly records: readonly Buffer[];
  /** The common keys; of storage that Redis cannot intersect, the keys of each. */
  readonly stored: readonly Buffer[];
  /** Keys of each, NULL not counted, as Redis counts them; empty if it cannot. */
  readonly counts: readonly number[];
}

/** Reads what is stored in Redis. What somebody else has changed is warned of, and as good as missing: undefined. */
export class RedisDecoder {
  constructor(
    private readonly storage: RedisStorage,
    private readonly warn: CacheWarning,
  ) {}

  description(partitionKey: string, hash: FragmentHash, record: Buffer): EntryDescription | undefined {
    return this.sound(partitionKey, hash, () => {
      const description = decodeDescription(record);
      if (description.fragment.hash === hash && description.fragment.partitionKey === partitionKey)
        return description;
      throw new DamagedRecordError('belongs to another entry');
    });
  }

  keys({ fragment, keyCount, hasNullKey }: EntryDescription, stored: readonly Buffer[]): KeySet | undefined {
    return this.sound(fragment.partitionKey, fragment.hash, () => {
      const keys = this.storage.decode(fragment.datatype, stored, hasNullKey);
      checkCount(keys.size, keyCount);
      return keys;
    });
  }

  /** The common keys; or the entries that are damaged, whose keys may have taken some away that the others have. */
  intersection(
    partitionKey: string,
    { hashes, records, stored, counts }: IntersectReply,
  ): KeySet | { readonly damaged: readonly FragmentHash[] } {
    const sets: KeySet[] = [];
    const descriptions: EntryDescription[] = [];
    const damaged: FragmentHash[] = [];
    for (const [i, hash] of hashes.entries()) {
      const description = this.description(partitionKey, hash, records[i] ?? Buffer.alloc(0));
      if (description !== undefined && this.isIntersectedHere) {
        const set = this.keys(description, stored.slice(i, i + 1));
        if (set === undefined) damaged.push(hash);
        else sets.push(set);
      } else if (description !== undefined && this.isCounted(description, counts[i])) {
        descriptions.push(description);
      } else {
        damaged.push(hash);
      }
    }
    if (damaged.length > 0) return { damaged };
    const keys = this.isIntersectedHere ? intersectKeySets(sets) : this.common(descriptions, stored);
    // A common key that is none is in all of them.
    return keys ?? { damaged: hashes };
  }

  private get isIntersectedHere(): boolean {
    return this.storage.intersection === 'string';
  }

  private common(descriptions: readonly EntryDescription[], stored: readonly Buffer[]): KeySet | undefined {
    const [first] = descriptions;
    if (first === undefined) return undefined;
    const { partitionKey, hash, datatype } = first.fragment;
    const hasNullKey = descriptions.every((description) => description.hasNullKey);
    return this.sound(partitionKey, hash, () => this.storage.decode(datatype, stored, hasNullKey));
  }

  private isCounted({ fragment, keyCount }: EntryDescription, members: number | undefined): boolean {
    const checked = this.sound(fragment.partitionKey, fragment.hash, () => {
      checkCount((members ?? 0) - this.storage.extraMembers, keyCount);
      return true;
    });
    return checked === true;
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

function checkCount(found: number, expected: number): void {
  if (found !== expected) throw new DamagedRecordError(`has ${found} keys where it had ${expected}`);
}
