import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { describeEntry, encodeDescription } from '../codecs/description-codec';
import { encodeKeySet } from '../codecs/key-set-codec';
import { sealRecord } from '../codecs/record';
import { encodeRegistrations } from '../codecs/registrations-codec';
import type { CacheContent } from './cache-content';
import { exportHeader, lengthBytes } from './export-format';

/**
 * Writes all of a cache's content into a file, entry by entry, and resolves to the number of entries. The file gets its name when all is
 * written: there is a whole export or none, and an older one of that name stays until then.
 */
export async function writeExport(content: CacheContent, file: string): Promise<number> {
  let entries = 0;
  const unfinished = `${file}.unfinished`;
  const records = async function* (): AsyncGenerator<Buffer, void, undefined> {
    yield exportHeader;
    yield* framed(encodeRegistrations(content.partitionKeys));
    for await (const entry of content.entries) {
      yield* framed(encodeDescription(describeEntry(entry)));
      if (entry.keys !== undefined) yield* framed(encodeKeySet(entry.keys));
      entries += 1;
    }
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(BigInt(entries));
    yield* framed(sealRecord('exportEnd', count));
  };
  // Opened before: a stream that fails while it opens its file makes the file all the same, after it was to be removed.
  const output = await open(unfinished, 'w');
  try {
    await pipeline(records, output.createWriteStream({ flush: true }));
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  return entries;
}

function* framed(record: Buffer): Generator<Buffer, void, undefined> {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(record.length);
  yield length;
  yield record;
}
