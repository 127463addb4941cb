import { isUtf8 } from 'node:buffer';
import type { PartitionKeyType, PartitionValue } from '../../../query/partition-key';
import type { CacheCapabilities } from '../../cache-backend';
import { fromBits, toBits } from '../../codecs/bits';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { fromRoaring, toRoaring } from '../../codecs/roaring';
import type { KeySet } from '../../key-set';
import { createKeySet, toSortedKeySet } from '../../key-sets/create-key-set';
import { Int64KeySet } from '../../key-sets/int64-key-set';

/** What tells one backend in Redis from another: in what form it keeps keys. */
export interface RedisStorage {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
  /** set: a Redis set; string: one string. */
  readonly form: 'set' | 'string';
  /** How the server intersects; string: it cannot, and gives all of them. */
  readonly intersection: 'set' | 'bits' | 'string';
  /** Members, or bits, that are no keys. */
  readonly extraMembers: number;
  /** Members of a set, or one string. Never empty: Redis has no empty sets. */
  encode(keys: KeySet): readonly (string | Buffer)[];
  /** Throws DamagedRecordError. */
  decode(datatype: PartitionKeyType, stored: readonly Buffer[], hasNullKey: boolean): KeySet;
}

/** A member of every set, also of an empty one. No key looks like it: text keys cannot hold NUL. */
const presence = '\0';

export const setStorage: RedisStorage = {
  name: 'redis_set',
  capabilities: { keyTypes: new Set(['integer', 'text']) },
  form: 'set',
  intersection: 'set',
  extraMembers: 1,
  encode: (keys) => [presence, ...Array.from(keys.values(), String)],
  decode: (datatype, stored, hasNullKey) => {
    const members = stored.map(readText);
    if (!members.includes(presence)) throw new DamagedRecordError('is no set of ours');
    const values = members.filter((member) => member !== presence).map((member) => readKey(datatype, member));
    return createKeySet(datatype, values, { hasNullKey });
  },
};

/** @param capabilities of a set with a certain number of bits */
export function bitStorage(capabilities: CacheCapabilities): RedisStorage {
  return {
    name: 'redis_bit',
    capabilities,
    form: 'string',
    intersection: 'bits',
    extraMembers: 0,
    encode: (keys) => [toBits(integers(keys))],
    decode: (_datatype, [bits = Buffer.alloc(0)], hasNullKey) => fromBits(bits, hasNullKey),
  };
}

export const roaringStorage: RedisStorage = {
  name: 'redis_roaringbit',
  capabilities: { keyTypes: new Set(['integer']) },
  form: 'string',
  // Redis knows no roaring bitmaps, and Lua's numbers do not hold 64 bits: they are small, and intersected here.
  intersection: 'string',
  extraMembers: 0,
  encode: (keys) => [toRoaring(integers(keys))],
  decode: (_datatype, [bytes = Buffer.alloc(0)], hasNullKey) => fromRoaring(bytes, hasNullKey),
};

function integers(keys: KeySet): Int64KeySet {
  const set = toSortedKeySet(keys);
  if (!(set instanceof Int64KeySet)) throw new TypeError(`no integers, but keys of type ${set.datatype}`);
  return set;
}

function readText(member: Buffer): string {
  if (!isUtf8(member)) throw new DamagedRecordError('holds text that is not UTF-8');
  return member.toString('utf8');
}

function readKey(datatype: PartitionKeyType, member: string): PartitionValue {
  if (datatype !== 'integer') return member;
  if (!/^-?\d{1,19}$/.test(member)) throw new DamagedRecordError('holds what is no integer');
  return BigInt(member);
}
