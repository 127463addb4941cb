import { DeserializationFormat, RoaringBitmap32, SerializationFormat } from 'roaring-wasm';
import { Int64KeySet } from '../key-sets/int64-key-set';
import { DamagedRecordError } from './damaged-record-error';

/*
 * Roaring64 in its portable form (github.com/RoaringBitmap/RoaringFormatSpec, "extension for 64-bit implementations"): the
 * number of parts (8 bytes, lowest first), then for each the upper halves of its keys (4 bytes) and a portable 32-bit bitmap of
 * the lower ones. Parts are ordered by upper half as an unsigned number: negative keys come last.
 */

const countBytes = 8;
const highBytes = 4;
/** Before a part is decoded its least size is known: cookie and number of containers. */
const leastBitmapBytes = 8;

export function toRoaring(set: Int64KeySet): Buffer {
  const parts = [...partsOf(set)].sort((a, b) => a.high - b.high);
  const count = Buffer.alloc(countBytes);
  count.writeBigUInt64LE(BigInt(parts.length));
  return Buffer.concat([count, ...parts.flatMap(({ high, lows }) => [highOf(high), bitmapOf(lows)])]);
}

/** Throws DamagedRecordError for anything but a portable Roaring64 bitmap. */
export function fromRoaring(bytes: Buffer, hasNullKey: boolean): Int64KeySet {
  const parts = readParts(bytes);
  const size = parts.reduce((sum, { lows }) => sum + lows.length, 0);
  const sorted = new BigInt64Array(size);
  const words = new Uint32Array(sorted.buffer);
  let at = 0;
  // As signed numbers, the upper halves with the highest bit set come first.
  for (const { high, lows } of [...parts.filter(isNegative), ...parts.filter((part) => !isNegative(part))]) {
    for (let i = 0; i < lows.length; i++) {
      words[at + lowWord] = lows[i] ?? 0;
      words[at + highWord] = high;
      at += 2;
    }
  }
  return Int64KeySet.ofSorted('integer', sorted, hasNullKey);
}

/** Keys with the same upper half, which is unsigned; the lower halves ascend. */
interface Part {
  readonly high: number;
  readonly lows: Uint32Array;
}

function isNegative({ high }: Part): boolean {
  return high >= 0x8000_0000;
}

function* partsOf({ sorted }: Int64KeySet): Generator<Part> {
  const words = new Uint32Array(sorted.buffer, sorted.byteOffset, sorted.length * 2);
  let start = 0;
  for (let i = 1; i <= sorted.length; i++) {
    const high = words[2 * start + highWord] ?? 0;
    if (i < sorted.length && words[2 * i + highWord] === high) continue;
    if (sorted.length > 0) {
      const lows = Uint32Array.from({ length: i - start }, (_, j) => words[2 * (start + j) + lowWord] ?? 0);
      yield { high, lows };
    }
    start = i;
  }
}

function highOf(high: number): Buffer {
  const bytes = Buffer.alloc(highBytes);
  bytes.writeUInt32LE(high);
  return bytes;
}

function bitmapOf(lows: Uint32Array): Uint8Array {
  const bitmap = new RoaringBitmap32(lows);
  try {
    bitmap.optimize();
    return bitmap.serialize(SerializationFormat.portable);
  } finally {
    // Its memory is WebAssembly's, which no garbage collector sees.
    bitmap.dispose();
  }
}

function readParts(bytes: Buffer): Part[] {
  if (bytes.length < countBytes) throw new DamagedRecordError(`has ${bytes.length} bytes for a bitmap`);
  const count = bytes.readBigUInt64LE();
  // Checked before anything is made of the number.
  if (count > BigInt(bytes.length)) throw new DamagedRecordError(`claims ${count} parts`);
  const parts: Part[] = [];
  let at = countBytes;
  for (let i = 0; i < Number(count); i++) {
    if (bytes.length - at < highBytes + leastBitmapBytes)
      throw new DamagedRecordError(`ends at byte ${bytes.length}`);
    const high = bytes.readUInt32LE(at);
    if (high <= (parts.at(-1)?.high ?? -1)) throw new DamagedRecordError('has its parts out of order');
    const { lows, byteLength } = readBitmap(bytes.subarray(at + highBytes));
    parts.push({ high, lows });
    at += highBytes + byteLength;
  }
  if (at !== bytes.length) throw new DamagedRecordError(`has ${bytes.length - at} bytes too many`);
  return parts;
}

/** Decodes the bitmap some bytes begin with. */
function readBitmap(bytes: Buffer): { readonly lows: Uint32Array; readonly byteLength: number } {
  let bitmap: RoaringBitmap32;
  try {
    bitmap = RoaringBitmap32.deserialize(bytes, DeserializationFormat.portable);
  } catch (cause) {
    throw new DamagedRecordError('holds no roaring bitmap', { cause });
  }
  try {
    const byteLength = bitmap.getSerializationSizeInBytes(SerializationFormat.portable);
    const lows = bitmap.toUint32Array();
    // The library checks sizes, not what is in them.
    if (!isAscending(lows)) throw new DamagedRecordError('has its keys out of order');
    return { lows, byteLength };
  } finally {
    bitmap.dispose();
  }
}

function isAscending(values: Uint32Array): boolean {
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) <= (values[i - 1] ?? 0)) return false;
  return true;
}

/** Where the two halves of a 64-bit integer stand in memory. */
const lowWord = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 0 : 1;
const highWord = 1 - lowWord;
