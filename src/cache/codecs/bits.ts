import { Int64KeySet } from '../key-sets/int64-key-set';

/**
 * Integers from 0 up to 2^32 - 1 as bits: bit k is set if k is in the set. Bit 0 is the highest of the first byte, as in
 * PostgreSQL's `bit varying` and in Redis' SETBIT. There are as many bytes as the highest key needs.
 * Throws RangeError for a key outside of that range.
 */
export function toBits({ sorted }: Int64KeySet): Buffer {
  const highest = sorted.at(-1);
  if (highest === undefined) return Buffer.alloc(0);
  if (highest >= maxBits || (sorted[0] ?? 0n) < 0n) throw new RangeError('a key that is no bit number');
  const bits = Buffer.alloc(Number(highest >> 3n) + 1);
  for (const key of sorted) {
    const bit = Number(key);
    const at = bit >>> 3;
    bits[at] = (bits[at] ?? 0) | (0x80 >>> (bit & 7));
  }
  return bits;
}

/** One more than the highest bit number: Redis' limit of 512 MB a value, and enough for any key of type int4. */
export const maxBits = 2n ** 32n;

/** The keys whose bits are set. */
export function fromBits(bits: Buffer, hasNullKey: boolean): Int64KeySet {
  const words = new Uint32Array(countBits(bits) * 2);
  let at = lowWord;
  for (let i = 0; i < bits.length; i++) {
    let byte = bits[i] ?? 0;
    while (byte !== 0) {
      const bit = Math.clz32(byte) - 24;
      // In halves: a bigint each would take most of the time of a cache hit. The upper half stays 0.
      words[at] = i * 8 + bit;
      at += 2;
      byte &= ~(0x80 >>> bit);
    }
  }
  return Int64KeySet.ofSorted('integer', new BigInt64Array(words.buffer), hasNullKey);
}

function countBits(bits: Buffer): number {
  let count = 0;
  for (let i = 0; i < bits.length; i++) count += bitCounts[bits[i] ?? 0] ?? 0;
  return count;
}

const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** Where the lower half of a 64-bit integer stands in memory. */
const lowWord = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 1;
