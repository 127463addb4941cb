import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryBackend } from '../../../src/cache/backends/memory';
import { openRocksdbBit } from '../../../src/cache/backends/rocksdb-bit';
import { openRocksdict } from '../../../src/cache/backends/rocksdict';
import type { CacheBackend, CacheEntry } from '../../../src/cache/cache-backend';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { contentOf } from '../../../src/cache/transfer/cache-content';
import { putContent } from '../../../src/cache/transfer/put-content';
import { ExportFile } from '../../../src/cache/transfer/read-export';
import { writeExport } from '../../../src/cache/transfer/write-export';
import { ExportFileError } from '../../../src/errors/export-file-error';
import { partitionKeyTypes } from '../../../src/query/partition-key';
import { awkwardValues, failedEntry, plainEntry, sampleEntry } from '../../support/cache-entries';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

const warn = (): undefined => undefined;
let directory: TemporaryDirectory;
let source: MemoryBackend;
let file: string;
beforeEach(async () => {
  directory = await temporaryDirectory('transfer');
  file = join(directory.path, 'cache.export');
  source = new MemoryBackend({ warn });
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Every datatype with awkward values, an empty set, a NULL key, and failures. */
async function fill(backend: CacheBackend): Promise<void> {
  for (const datatype of partitionKeyTypes) {
    const partitionKey = `the ${datatype} key`;
    await backend.registerPartitionKey(partitionKey, datatype);
    const all = createKeySet(datatype, awkwardValues[datatype], { hasNullKey: true });
    await backend.put(sampleEntry(all, { partitionKey }));
    await backend.put(sampleEntry(createKeySet(datatype, []), { partitionKey, text: 'b' }));
    await backend.put(failedEntry('timeout', datatype, { partitionKey, text: 'c' }));
  }
}

async function contentsOf(backend: CacheBackend): Promise<unknown> {
  const { partitionKeys, entries } = await contentOf(backend);
  const plain: unknown[] = [];
  for await (const entry of entries) plain.push(plainEntry(entry));
  return { partitionKeys, entries: plain.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
}

// JSON has no bigints, and here only an order is wanted.
beforeAll(() => Object.assign(BigInt.prototype, { toJSON: String }));
afterAll(() => Reflect.deleteProperty(BigInt.prototype, 'toJSON'));

test('a copy into another backend holds the same', async () => {
  await fill(source);
  await using target = await openRocksdict({ path: join(directory.path, 'cache'), warn });
  expect(await putContent(await contentOf(source), target)).toEqual({ put: 12, refused: [] });
  expect(await contentsOf(target)).toEqual(await contentsOf(source));
});

test('a copy says what the target has no room for, and takes the rest', async () => {
  await source.registerPartitionKey('region', 'integer');
  await source.put(sampleEntry(createKeySet('integer', [-7n])));
  await source.put(sampleEntry(createKeySet('integer', [7n]), { text: 'b' }));
  await using target = await openRocksdbBit({ path: join(directory.path, 'cache'), bits: 64, warn });
  const { put, refused } = await putContent(await contentOf(source), target);
  expect(put).toBe(1);
  expect(refused).toMatchObject([{ reason: expect.stringContaining('from 0 to 63, not -7') }]);
  expect(await target.count('region')).toBe(1);
});

test('refuses: a datatype the target cannot hold, before anything is copied', async () => {
  await fill(source);
  await using target = await openRocksdbBit({ path: join(directory.path, 'cache'), bits: 64, warn });
  await expect(putContent(await contentOf(source), target)).rejects.toMatchObject({
    name: 'DatatypeMismatchError',
  });
  expect(await target.count('the integer key')).toBe(0);
});

describe('an export', () => {
  test('imported, gives the same again', async () => {
    await fill(source);
    expect(await writeExport(await contentOf(source), file)).toBe(12);
    await using content = await ExportFile.open(file);
    expect(await content.check()).toBe(12);
    await using target = new MemoryBackend({ warn });
    await putContent(content, target);
    expect(await contentsOf(target)).toEqual(await contentsOf(source));
  });

  test('of an empty cache is one', async () => {
    expect(await writeExport(await contentOf(source), file)).toBe(0);
    await using content = await ExportFile.open(file);
    expect(content.partitionKeys.size).toBe(0);
    expect(await content.check()).toBe(0);
  });

  test('that fails leaves the older one, and nothing else', async () => {
    writeFileSync(file, 'older');
    const entries = async function* (): AsyncGenerator<CacheEntry> {
      yield sampleEntry(createKeySet('integer', [1n]));
      throw new Error('the store went away');
    };
    const failing = { partitionKeys: new Map(), entries: entries() };
    await expect(writeExport(failing, file)).rejects.toThrow('the store went away');
    expect(readFileSync(file, 'utf8')).toBe('older');
    expect(readdirSync(directory.path)).toEqual(['cache.export']);
  });

  async function refusal(bytes: Buffer): Promise<ExportFileError> {
    writeFileSync(file, bytes);
    try {
      await using content = await ExportFile.open(file);
      await content.check();
    } catch (error) {
      if (error instanceof ExportFileError) return error;
      throw error;
    }
    throw new Error('it was read as if nothing were wrong');
  }

  async function sound(): Promise<Buffer> {
    await source.registerPartitionKey('region', 'integer');
    await source.put(sampleEntry(createKeySet('integer', [1n, 2n, 300n])));
    await source.put(failedEntry('failed', 'integer', { text: 'b' }));
    await writeExport(await contentOf(source), file);
    return readFileSync(file);
  }

  test('is refused with a byte changed, at the record it is in', async () => {
    const bytes = await sound();
    for (let at = 0; at < bytes.length; at += 5) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const { position } = await refusal(damaged);
      expect(position).toBeLessThanOrEqual(at);
    }
  });

  test('is refused wherever it is cut off', async () => {
    const bytes = await sound();
    for (let length = 0; length < bytes.length; length += 7) await refusal(bytes.subarray(0, length));
  });

  test.each([
    ['an empty file', Buffer.alloc(0), /no export of a cache/],
    ['another file', Buffer.from('CREATE TABLE pcache (export int); -- and more'), /no export of a cache/],
    ['a later version', Buffer.from('pcache export 2\n and what it may bring'), /another version/],
    [
      'a record of 4 GB',
      Buffer.from('pcache export 1\n\xff\xff\xff\xff', 'latin1'),
      /claims 4294967295 bytes/,
    ],
  ])('is not: %s', async (_title, bytes, message) => {
    expect((await refusal(bytes)).message).toMatch(message);
  });

  test.each([
    ['bytes behind the end', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]), /follows its end/],
    ['an entry twice', (bytes: Buffer) => twice(bytes), /holds 3 entries and says 2/],
  ])('is refused: %s', async (_title, change, message) => {
    expect((await refusal(change(await sound()))).message).toMatch(message);
  });
});

/** With the record before the last one, a description without keys, once more. */
function twice(bytes: Buffer): Buffer {
  const starts: number[] = [];
  for (let at = 16; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) starts.push(at);
  const [failure, end] = starts.slice(-2);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(failure)]);
}
