import { execFile } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  bucketKey,
  entryKey,
  layoutKey,
  registrationsKey,
} from '../../../src/cache/backends/rocksdb/store-layout';
import { RocksdbStore } from '../../../src/cache/backends/rocksdb/rocksdb-store';
import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import type { CacheBackend, CacheChange } from '../../../src/cache/cache-backend';
import { sealRecord } from '../../../src/cache/codecs/record';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { hashOf, sampleEntry } from '../../support/cache-entries';
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory';

let directory: TemporaryDirectory;
let path: string;
let warnings: string[];
const opened: CacheBackend[] = [];
const a = hashOf('a');
const b = hashOf('b');

beforeEach(async () => {
  directory = await temporaryDirectory('rocksdb-faults');
  path = `${directory.path}/cache`;
  warnings = [];
});
afterEach(async () => {
  for (const backend of opened.splice(0)) await backend[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function open(): Promise<CacheBackend> {
  const backend = await openRocksdbSet({ path, warn: (message) => warnings.push(message) });
  opened.push(backend);
  return backend;
}

/** A closed cache with entries a and b of the partition key region. */
async function someCache(): Promise<void> {
  const backend = await open();
  await backend.registerPartitionKey('region', 'integer');
  await backend.put(sampleEntry(createKeySet('integer', [1n, 2n])));
  await backend.put(sampleEntry(createKeySet('integer', [2n, 3n]), { text: 'b' }));
  await backend[Symbol.asyncDispose]();
}

/** Changes a record behind the backend's back; the cache must be closed. */
async function overwrite(key: Buffer, change: (record: Buffer) => Buffer | undefined): Promise<void> {
  const store = await RocksdbStore.open('test', path);
  const [record = Buffer.alloc(0)] = await store.getMany([key]);
  const value = change(Buffer.from(record));
  await store.write([value === undefined ? { type: 'del', key } : { type: 'put', key, value }], {
    sync: true,
  });
  await store.close();
}

const damagedDirectories = async (): Promise<string[]> =>
  (await readdir(directory.path)).filter((name) => name.startsWith('cache.damaged-'));

async function file(pattern: RegExp): Promise<string> {
  const name = (await readdir(path)).find((candidate) => pattern.test(candidate));
  if (name === undefined) throw new Error(`no file ${pattern} in the cache`);
  return `${path}/${name}`;
}

/** Changes every 16th byte of a file, between two positions. */
async function flipBytes(pattern: RegExp, from = 0, to = Infinity): Promise<void> {
  const name = await file(pattern);
  const bytes = await readFile(name);
  await writeFile(
    name,
    bytes.map((byte, i) => (i % 16 === 3 && i >= from && i < to ? byte ^ 0xff : byte)),
  );
}

/** A closed cache larger than what RocksDB keeps in its log, so that there are table files to damage. */
async function largeCache(): Promise<void> {
  const backend = await open();
  await backend.registerPartitionKey('region', 'integer');
  for (let i = 0; i < 60; i++) {
    const values = Array.from({ length: 15_000 }, () => BigInt(randomInt(2 ** 47)) * 31n);
    await backend.put(sampleEntry(createKeySet('integer', values), { text: `fragment ${i}` }));
  }
  await backend[Symbol.asyncDispose]();
}

async function readAll(backend: CacheBackend): Promise<void> {
  for await (const { fragment } of backend.list()) expect(fragment.partitionKey).toBe('region');
  for (let i = 0; i < 60; i++) await backend.get('region', hashOf(`fragment ${i}`));
}

describe('a directory that is in use', () => {
  test('refuses: a second backend of the same process', async () => {
    await open();
    await expect(open()).rejects.toMatchObject({
      name: 'StartError',
      message: `the cache directory ${path} is in use by this process; stop what uses it, or set another cache.path`,
    });
    expect(await damagedDirectories()).toEqual([]);
  });

  test('refuses: a backend of another process, and leaves the first one working', async () => {
    await someCache();
    const holder = execFile(process.execPath, [
      '-e',
      `new (require('rocksdb'))(process.argv[1]).open((error) => console.log(error ?? 'open')); setInterval(() => {}, 1000)`,
      path,
    ]);
    try {
      expect(String(await once(holder.stdout ?? holder, 'data'))).toContain('open');
      await expect(open()).rejects.toMatchObject({
        name: 'StartError',
        message: `the cache directory ${path} is in use by another process; stop what uses it, or set another cache.path`,
      });
      expect(await damagedDirectories()).toEqual([]);
    } finally {
      const exited = once(holder, 'exit');
      holder.kill();
      await exited;
    }
    expect(await (await open()).count('region')).toBe(2);
  });

  test('is free again once it is closed', async () => {
    await someCache();
    expect(await (await open()).count('region')).toBe(2);
  });
});

describe('a directory that is no cache', () => {
  test('refuses: one with other files in it, and touches nothing', async () => {
    await mkdir(path);
    await writeFile(`${path}/thesis.txt`, 'important');
    await expect(open()).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringContaining('thesis.txt'),
    });
    expect(await readdir(path)).toEqual(['thesis.txt']);
  });

  test('refuses: a file', async () => {
    await writeFile(path, '');
    await expect(open()).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringContaining(path),
    });
  });

  test('refuses: one that cannot be made, at once', async () => {
    path = '/proc/pcache/cache';
    await expect(open()).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringContaining('/proc/pcache'),
    });
  });

  test('is made with its parents if there is none', async () => {
    path = `${directory.path}/not/yet/there`;
    await someCache();
  });
});

describe('a damaged directory is set aside, and an empty cache started', () => {
  test.each<[string, () => Promise<void>]>([
    ['CURRENT is garbage', async () => writeFile(await file(/CURRENT/), 'garbage\n')],
    ['CURRENT is empty', async () => writeFile(await file(/CURRENT/), '')],
    ['CURRENT is missing', async () => rm(await file(/CURRENT/))],
    ['the manifest is missing', async () => rm(await file(/MANIFEST/))],
    ['the manifest is cut off', async () => truncate(await file(/MANIFEST/), 10)],
    ['the manifest is damaged', () => flipBytes(/MANIFEST/)],
    ['the layout is damaged', () => overwrite(layoutKey, (record) => record.subarray(1))],
    [
      'the layout is another',
      () => overwrite(layoutKey, () => sealRecord('layout', Buffer.from('rocksdb_bit 7'))),
    ],
    [
      'the list of partition keys is damaged',
      () => overwrite(registrationsKey, (record) => record.fill(0, 3)),
    ],
  ])('%s', async (_title, damage) => {
    await someCache();
    await damage();
    const backend = await open();
    expect(await backend.partitionKeys()).toEqual(new Map());
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(createKeySet('integer', [5n])));
    expect(await backend.count('region')).toBe(1);
    const [damaged, ...others] = await damagedDirectories();
    expect(damaged).toMatch(/^cache\.damaged-\d{17}$/);
    expect(others).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(`${directory.path}/${damaged ?? ''}`)]);
    await backend[Symbol.asyncDispose]();
    expect(await (await open()).count('region')).toBe(1);
    expect(warnings).toHaveLength(1);
  });
});

test('a sound cache with table files is opened as it was left', async () => {
  await largeCache();
  const before = (await readdir(path)).filter((name) => name.endsWith('.sst'));
  expect(before).not.toEqual([]);
  const backend = await open();
  expect(await backend.count('region')).toBe(60);
  expect(await readdir(path)).toEqual(expect.arrayContaining(before));
});

test('what a crash left of an unfinished table file does no harm', async () => {
  await someCache();
  await writeFile(`${path}/999999.sst`, randomBytes(10_000));
  expect(await (await open()).count('region')).toBe(2);
  expect(warnings).toEqual([]);
});

describe('a store that turns out damaged while it is in use', () => {
  // RocksDB opens it, and reads what every cache has; the damage is noticed later.
  test.each<[string, () => Promise<void>]>([
    ['by a listing', () => flipBytes(/\.sst$/, 0, 4_096)],
    ['by a look for keys', () => flipBytes(/\.sst$/, 1_000_000, 2_000_000)],
  ])('is replaced by an empty one, which goes on working: found %s', async (_title, damage) => {
    await largeCache();
    await damage();
    const backend = await open();
    expect(await damagedDirectories()).toEqual([]);
    const changes: CacheChange[] = [];
    backend.subscribe((change) => changes.push(change));
    await readAll(backend);
    expect(changes).toEqual([{ kind: 'dropped', partitionKey: 'region' }]);
    expect(await backend.partitionKeys()).toEqual(new Map([['region', 'integer']]));
    expect(await damagedDirectories()).toHaveLength(1);
    expect(warnings).toHaveLength(1);
    await backend.put(sampleEntry(createKeySet('integer', [5n])));
    expect(await backend.count('region')).toBe(1);
    await backend[Symbol.asyncDispose]();
    expect((await (await open()).get('region', a))?.keys?.size).toBe(1);
  });
});

test('a damaged index of entries leads to an empty cache, since nobody could find them all', async () => {
  await someCache();
  await overwrite(bucketKey('region', parseInt(a.slice(0, 2), 16)), (record) => record.subarray(0, -1));
  const backend = await open();
  expect(await backend.get('region', a)).toBeDefined();
  expect(await backend.count('region')).toBe(0);
  expect(await backend.get('region', a)).toBeUndefined();
  expect(await damagedDirectories()).toHaveLength(1);
});

describe('a damaged table file', () => {
  test.each<[string, () => Promise<void>]>([
    ['changed everywhere', () => flipBytes(/\.sst$/)],
    ['missing', async () => rm(await file(/\.sst$/))],
    ['cut off', async () => truncate(await file(/\.sst$/), 1_000)],
    ['garbage', async () => writeFile(await file(/\.sst$/), randomBytes(100_000))],
  ])('leads to an empty cache: %s', async (_title, damage) => {
    await largeCache();
    await damage();
    const backend = await open();
    await readAll(backend);
    expect(await backend.count('region')).toBe(0);
    expect(await damagedDirectories()).toHaveLength(1);
  });

  test('refuses: to touch a file of a directory that is in use', async () => {
    await largeCache();
    await open();
    await flipBytes(/\.sst$/);
    const before = await readdir(path);
    await expect(open()).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringContaining('in use'),
    });
    expect(await readdir(path)).toEqual(before);
    expect(await damagedDirectories()).toEqual([]);
  });

  // RocksDB itself ends the process over some of these; see table-file.ts.
  test('is survived, whichever byte of its end is changed', async () => {
    await largeCache();
    const sound = `${directory.path}/sound`;
    await cp(path, sound, { recursive: true });
    for (let round = 0; round < 24; round++) {
      path = `${directory.path}/round-${round}`;
      await cp(sound, path, { recursive: true });
      const name = await file(/\.sst$/);
      const bytes = await readFile(name);
      const position = bytes.length - 1 - randomInt(round % 2 === 0 ? 60 : 1_500);
      bytes.writeUInt8(bytes.readUInt8(position) ^ (1 + randomInt(255)), position);
      await writeFile(name, bytes);
      const backend = await open();
      await readAll(backend);
      await backend[Symbol.asyncDispose]();
      await rm(path, { recursive: true });
    }
  });
});

describe('a damaged record is a missing entry, removed with a warning', () => {
  const flip = (at: number) => (record: Buffer) => {
    const position = at < 0 ? record.length + at : at;
    record.writeUInt8(record.readUInt8(position) ^ 0x10, position);
    return record;
  };
  const keys = entryKey('region', a, 'keySet');
  const description = entryKey('region', a, 'description');

  test.each<[string, Buffer, (record: Buffer) => Buffer | undefined]>([
    ['its keys are changed', keys, flip(4)],
    ['its keys are of another version', keys, flip(0)],
    ['its keys are of another kind', keys, flip(1)],
    ['the checksum of its keys is changed', keys, flip(-1)],
    ['its keys are cut off', keys, (record) => record.subarray(0, -3)],
    ['its keys are empty', keys, () => Buffer.alloc(0)],
    ['its keys are missing', keys, () => undefined],
    ['its description is changed', description, flip(40)],
    ['its description is not JSON', description, () => sealRecord('description', Buffer.from('{'))],
    ['its description is another thing', description, () => sealRecord('description', Buffer.from('[]'))],
  ])('%s', async (_title, key, change) => {
    await someCache();
    await overwrite(key, change);
    const backend = await open();
    const changes: CacheChange[] = [];
    backend.subscribe((told) => changes.push(told));
    expect(await backend.get('region', a)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(a)]);
    expect(changes).toEqual([{ kind: 'deleted', partitionKey: 'region', hash: a }]);
    expect(await backend.get('region', a)).toBeUndefined();
    expect(await backend.describe('region', a)).toBeUndefined();
    expect((await backend.intersect('region', [a, b])).hits).toEqual([b]);
    expect(await backend.count('region')).toBe(1);
    expect(warnings).toHaveLength(1);
    expect(await damagedDirectories()).toEqual([]);
  });

  test('found by an intersection', async () => {
    await someCache();
    await overwrite(keys, flip(5));
    const backend = await open();
    const { hits, keys: common } = await backend.intersect('region', [a, b]);
    expect(hits).toEqual([b]);
    expect([...(common?.values() ?? [])]).toEqual([2n, 3n]);
    expect(await backend.describe('region', a)).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  test('found by a listing, which goes on', async () => {
    await someCache();
    await overwrite(description, flip(50));
    const backend = await open();
    const hashes: string[] = [];
    for await (const { fragment } of backend.list()) hashes.push(fragment.hash);
    expect(hashes).toEqual([b]);
    expect(await backend.count('region')).toBe(1);
  });

  test('but not for the time it was last used', async () => {
    await someCache();
    await overwrite(entryKey('region', a, 'use'), () => Buffer.from('noon'));
    const backend = await open();
    expect((await backend.get('region', a))?.lastUsedAt).toBe(1_000);
    expect(warnings).toHaveLength(1);
  });

  test('an entry filed under the wrong name is none', async () => {
    await someCache();
    const other = await open();
    await other.registerPartitionKey('other', 'integer');
    await other[Symbol.asyncDispose]();
    const store = await RocksdbStore.open('test', path);
    const [record] = await store.getMany([description]);
    await store.write(
      [{ type: 'put', key: entryKey('other', a, 'description'), value: record ?? Buffer.alloc(0) }],
      { sync: true },
    );
    await store.close();
    const backend = await open();
    expect(await backend.describe('other', a)).toBeUndefined();
    expect(await backend.describe('region', a)).toBeDefined();
  });
});

test('a process that only opened the cache can end without closing it', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    '-e',
    `const { openRocksdbSet } = require('./src/cache/backends/rocksdb-set');
     openRocksdbSet({ path: process.argv[1], warn: console.error }).then(async (backend) => {
       await backend.registerPartitionKey('region', 'integer');
       await backend.touch('region', [{ hash: '${a}', at: 1, uses: 1, savedMs: 0 }]);
       console.log('done');
     });`,
    path,
  ]);
  expect(stdout).toBe('done\n');
});
