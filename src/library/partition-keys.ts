import { createKeySet } from '../cache/key-sets/create-key-set';
import { intersectKeySets } from '../cache/key-sets/intersect-key-sets';
import type { KeySet } from '../cache/key-set';
import type { PartitionKeyType, PartitionValue } from '../query/partition-key';
import { type KeyInput, toPartitionValue } from './key-input';

/** Whatever holds partition keys. */
export type KeysInput = PartitionKeys | Iterable<KeyInput>;

/**
 * A set of partition keys: immutable, each once, in order. Integers and timestamps come out as bigint, for JavaScript's numbers do
 * not hold all of them; `has` takes either.
 */
export class PartitionKeys implements Iterable<PartitionValue> {
  constructor(readonly keySet: KeySet) {}

  /** Throws TypeError for a value the datatype cannot hold. */
  static from(datatype: PartitionKeyType, keys: KeysInput): PartitionKeys {
    if (keys instanceof PartitionKeys) {
      if (keys.datatype === datatype) return keys;
      throw new TypeError(`keys of type ${keys.datatype} are no keys of type ${datatype}`);
    }
    const isText: boolean = typeof keys === 'string';
    if (isText) throw new TypeError('expected keys, several of them, not a string');
    let hasNullKey = false;
    const values: PartitionValue[] = [];
    for (const key of keys) {
      if (key === null) hasNullKey = true;
      else values.push(toPartitionValue(datatype, key));
    }
    return new PartitionKeys(createKeySet(datatype, values, { hasNullKey }));
  }

  get datatype(): PartitionKeyType {
    return this.keySet.datatype;
  }

  /** Number of keys, not counting NULL. */
  get size(): number {
    return this.keySet.size;
  }

  get hasNullKey(): boolean {
    return this.keySet.hasNullKey;
  }

  has(key: KeyInput): boolean {
    return key === null ? this.hasNullKey : this.keySet.has(toPartitionValue(this.datatype, key));
  }

  /** The keys that the others have as well. */
  intersection(others: KeysInput): PartitionKeys {
    const keys = intersectKeySets([this.keySet, PartitionKeys.from(this.datatype, others).keySet]);
    return keys === undefined ? this : new PartitionKeys(keys);
  }

  [Symbol.iterator](): Iterator<PartitionValue> {
    return this.keySet.values()[Symbol.iterator]();
  }

  /** For integers and floats. Throws RangeError if a number cannot be told from its neighbours. */
  toNumbers(): readonly number[] {
    return [...this].map((key) => {
      const number = Number(key);
      if (typeof key === 'bigint' && !Number.isSafeInteger(number))
        throw new RangeError(`${key} is no safe integer`);
      return number;
    });
  }
}
