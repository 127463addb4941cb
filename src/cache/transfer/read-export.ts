import { type FileHandle, open } from 'node:fs/promises';
import { ExportFileError } from '../../errors/export-file-error';
import type { PartitionKeyType } from '../../query/partition-key';
import type { CacheEntry } from '../cache-backend';
import { DamagedRecordError } from '../codecs/damaged-record-error';
import { decodeDescription } from '../codecs/description-codec';
import { decodeKeySet } from '../codecs/key-set-codec';
import { isRecordOf, openRecord } from '../codecs/record';
import { decodeRegistrations } from '../codecs/registrations-codec';
import type { CacheContent } from './cache-content';
import { exportHeader, lengthBytes, maxRecordBytes } from './export-format';

/**
 * An export that is open for reading. Its entries may be read several times, so that a file can be read to its end before anything is
 * done with it. Whatever is not as writeExport makes it is an ExportFileError.
 */
export class ExportFile implements CacheContent, AsyncDisposable {
  private constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    private readonly fileBytes: number,
    readonly partitionKeys: ReadonlyMap<string, PartitionKeyType>,
    private readonly entriesStart: number,
  ) {}

  /** Rejects with the system's error if the file cannot be opened, and with ExportFileError. */
  static async open(file: string): Promise<ExportFile> {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const reader = new RecordReader(file, handle, size, 0);
      await reader.header();
      const registrations = await reader.record();
      const partitionKeys = reader.decoding(() => decodeRegistrations(registrations));
      return new ExportFile(file, handle, size, partitionKeys, reader.position);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get entries(): AsyncIterable<CacheEntry> {
    return { [Symbol.asyncIterator]: () => this.readEntries() };
  }

  /** Reads all of it, and resolves to the number of entries. */
  async check(): Promise<number> {
    let count = 0;
    for await (const _entry of this.entries) count += 1;
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }

  private async *readEntries(): AsyncGenerator<CacheEntry, void, undefined> {
    const reader = new RecordReader(this.file, this.handle, this.fileBytes, this.entriesStart);
    for (let count = 0n; ; count++) {
      const record = await reader.record();
      if (isRecordOf('exportEnd', record)) {
        const announced = reader.decoding(() => countOf(openRecord('exportEnd', record)));
        if (announced !== count) throw reader.wrong(`it holds ${count} entries and says ${announced}`);
        reader.end();
        return;
      }
      yield await this.readEntry(reader, record);
    }
  }

  private async readEntry(reader: RecordReader, record: Buffer): Promise<CacheEntry> {
    const description = reader.decoding(() => decodeDescription(record));
    const { fragment, status } = description;
    const datatype = this.partitionKeys.get(fragment.partitionKey);
    if (datatype !== fragment.datatype)
      throw reader.wrong(`the partition key ${JSON.stringify(fragment.partitionKey)} is of another type`);
    if (status !== 'ok') return { ...description, keys: undefined };
    const keySet = await reader.record();
    const keys = reader.decoding(() => decodeKeySet(datatype, keySet));
    if (keys.size !== description.keyCount || keys.hasNullKey !== description.hasNullKey)
      throw reader.wrong('the keys are those of another entry');
    return { ...description, keys };
  }
}

function countOf(payload: Buffer): bigint {
  if (payload.length !== 8) throw new DamagedRecordError(`has ${payload.length} bytes for a number`);
  return payload.readBigUInt64LE();
}

/** Least number of bytes that is asked of the file at once. */
const chunkBytes = 256 * 1024;

/** Reads one record after the other, and knows where. */
class RecordReader {
  private recordStart: number;
  /** What was read of the file and is not taken yet begins at `position`. */
  private ahead: Buffer = Buffer.alloc(0);

  constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    private readonly fileBytes: number,
    /** Of the byte to be taken next. */
    public position: number,
  ) {
    this.recordStart = position;
  }

  async header(): Promise<void> {
    const header = await this.take(exportHeader.length, 'it is no export of a cache');
    if (!header.equals(exportHeader)) throw this.wrong('it is no export of a cache, or of another version');
  }

  /** Shares memory with nothing that is read later. */
  async record(): Promise<Buffer> {
    this.recordStart = this.position;
    const length = (await this.take(lengthBytes, 'it is cut off')).readUInt32LE();
    if (length > maxRecordBytes) throw this.wrong(`a record claims ${length} bytes`);
    return this.take(length, 'it is cut off');
  }

  end(): void {
    if (this.position === this.fileBytes) return;
    throw new ExportFileError(this.file, this.position, 'something follows its end');
  }

  /** What `decode` gives; a damaged record becomes an error that says where. */
  decoding<T>(decode: () => T): T {
    try {
      return decode();
    } catch (cause) {
      if (!(cause instanceof DamagedRecordError)) throw cause;
      throw new ExportFileError(this.file, this.recordStart, `a record ${cause.message}`, { cause });
    }
  }

  wrong(message: string): ExportFileError {
    return new ExportFileError(this.file, this.recordStart, message);
  }

  private async take(length: number, otherwise: string): Promise<Buffer> {
    // Before memory is taken for them.
    if (this.position + length > this.fileBytes) throw this.wrong(otherwise);
    if (this.ahead.length < length) await this.readAhead(length, otherwise);
    const taken = this.ahead.subarray(0, length);
    this.ahead = this.ahead.subarray(length);
    this.position += length;
    return taken;
  }

  private async readAhead(length: number, otherwise: string): Promise<void> {
    const chunk = Buffer.allocUnsafe(Math.max(length, chunkBytes));
    const kept = this.ahead.copy(chunk);
    const { bytesRead } = await this.handle.read(chunk, kept, chunk.length - kept, this.position + kept);
    if (kept + bytesRead < length) throw this.wrong(otherwise);
    this.ahead = chunk.subarray(0, kept + bytesRead);
  }
}
