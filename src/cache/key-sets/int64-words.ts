/** Where the two halves of a 64-bit integer stand in memory. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
export const lowWord = isLittleEndian ? 0 : 1;
export const highWord = 1 - lowWord;

/** The same memory as 32-bit words: reading a BigInt64Array allocates, which costs ten times a comparison. */
export function wordsOf(integers: BigInt64Array): Int32Array {
  return new Int32Array(integers.buffer, integers.byteOffset, integers.length * 2);
}
