import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader } from '../../codecs/byte-reader';
import { crc32c } from '../../codecs/crc32';
import { DamagedRecordError } from '../../codecs/damaged-record-error';
import { ignoreMissing } from './cache-directory';

/*
 * RocksDB 6.17 reads two blocks of each table file without looking at their checksums, the index of the meta blocks and the
 * properties (table/meta_blocks.cc), and the binding is built with assertions: damage just there ends the process, at each
 * start again. So they are checked here before. All other damage RocksDB reports as an error.
 *
 * The end of a file (table/format.h): checksum type (1 byte, 1 is CRC-32C), offset and size of the meta index and of the
 * index (varints, padded to 40 bytes), format (4), magic (8). A block is followed by its compression (1) and checksum (4).
 */
const footerBytes = 53;
/** Format 4, the one this RocksDB writes, and the magic number. */
const end = Buffer.from('04000000f7cff485b741e288', 'hex');
const crc32cType = 1;
const trailerBytes = 5;
/** Far above the few kB that these blocks have; checked before memory is taken. */
const maxBlockBytes = 16 * 1024 * 1024;

/** Paths of the table files in a directory that RocksDB must not see; among them those a crash left unfinished. */
export async function findDeadlyTables(directory: string): Promise<readonly string[]> {
  const deadly: string[] = [];
  for (const name of (await readdir(directory)).filter((file) => /^\d+\.(sst|ldb)$/.test(file))) {
    const path = join(directory, name);
    if (!(await isSound(path))) deadly.push(path);
  }
  return deadly;
}

async function isSound(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(ignoreMissing);
  // Removed since it was listed: the directory is in use, and opening it will say so.
  if (file === undefined) return true;
  try {
    await checkMetaBlocks(file);
    return true;
  } catch (error) {
    if (error instanceof DamagedRecordError) return false;
    throw error;
  } finally {
    await file.close();
  }
}

async function checkMetaBlocks(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  if (size < footerBytes) throw new DamagedRecordError('has no end');
  const footer = await readBytes(file, size - footerBytes, footerBytes);
  if (!footer.subarray(-end.length).equals(end)) throw new DamagedRecordError('has another end');
  const reader = new ByteReader(footer);
  if (reader.uint8() !== crc32cType) throw new DamagedRecordError('has an unknown type of checksum');
  const metaIndex = await readBlock(file, size, reader);
  const properties = findInBlock(metaIndex, 'rocksdb.properties');
  if (properties !== undefined) await readBlock(file, size, new ByteReader(properties));
}

/** The block whose offset and size come next; throws DamagedRecordError if it does not match its checksum. */
async function readBlock(file: FileHandle, fileBytes: number, place: ByteReader): Promise<Buffer> {
  const offset = place.varint();
  const size = place.varint();
  if (size > maxBlockBytes || offset + size + trailerBytes > fileBytes) {
    throw new DamagedRecordError(`has no block of ${size} bytes at ${offset}`);
  }
  const block = await readBytes(file, offset, size + trailerBytes);
  if (unmask(block.readUInt32LE(size + 1)) !== crc32c(block.subarray(0, size + 1))) {
    throw new DamagedRecordError(`does not match its checksum at ${offset}`);
  }
  return block.subarray(0, size);
}

/** The value of a key in a sound block: entries share the beginning of their key with the one before. */
function findInBlock(block: Buffer, wanted: string): Buffer | undefined {
  if (block.length < 4) throw new DamagedRecordError('has an empty block');
  const restarts = block.readUInt32LE(block.length - 4) & 0x7fff_ffff;
  const reader = new ByteReader(block.subarray(0, Math.max(0, block.length - 4 - 4 * restarts)));
  let key = '';
  while (reader.remaining > 0) {
    const shared = reader.varint();
    const rest = reader.varint();
    const valueBytes = reader.varint();
    key = key.slice(0, shared) + reader.bytes(rest).toString('latin1');
    const value = reader.bytes(valueBytes);
    if (key === wanted) return value;
  }
  return undefined;
}

/** RocksDB stores checksums turned and shifted, since a checksum of data with its checksum in it is worth little. */
function unmask(masked: number): number {
  const turned = (masked - 0xa282ead8) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new DamagedRecordError(`ends at byte ${position + bytesRead}`);
  return buffer;
}
