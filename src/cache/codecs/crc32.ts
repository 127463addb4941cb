import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 of the bytes, unsigned. It finds damage, not forgery. */
export type Crc = (bytes: Uint8Array) => number;

/** CRC-32 as in zlib and PNG. */
export const crc32: Crc = (bytes) => zlibCrc32(bytes);

/** The polynomial of Castagnoli, its bits reversed. */
const polynomial = 0x82f63b78;

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
  return remainder;
});

/** CRC-32C (Castagnoli), the one RocksDB uses. */
export const crc32c: Crc = (bytes) => {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
};
