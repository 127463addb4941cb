import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { openPostgresqlArray } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { openRocksdbSet } from '../../../src/cache/backends/rocksdb-set';
import type { CacheBackend, CacheEntry } from '../../../src/cache/cache-backend';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import { hashOf, sampleEntry } from '../../support/cache-entries';
import { startPostgres } from '../../support/postgres-server';
import { hasSmallDisks, smallDisk } from '../../support/small-disk';

const diskBytes = 8 * 1024 * 1024;
const timeoutMs = 180_000;
const warn = (): void => undefined;

/** An entry of 160,000 bytes that does not compress. */
function largeEntry(i: number): CacheEntry {
  let state = BigInt(i) * 0x9e37_79b9_7f4a_7c15n + 1n;
  const values = Array.from({ length: 20_000 }, () => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n);
    return BigInt.asIntN(64, state);
  });
  return sampleEntry(createKeySet('integer', values), { text: `entry ${i}` });
}

/** Puts entries until one is refused; resolves to how many were acknowledged, and the error. */
async function fill(backend: CacheBackend): Promise<{ readonly count: number; readonly error: unknown }> {
  for (let count = 0; count < 100; count++) {
    try {
      await backend.put(largeEntry(count));
    } catch (error) {
      return { count, error };
    }
  }
  throw new Error('the disk does not get full');
}

/** All of it that matters here; toEqual takes long for as many keys. */
function textOf(entry: CacheEntry | undefined): string | undefined {
  return entry && `${entry.fragment.hash} ${entry.createdAt}: ${[...(entry.keys?.values() ?? [])].join()}`;
}

/** What was acknowledged is there, whole; what was refused is not. */
async function expectOnly(backend: CacheBackend, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    expect(textOf(await backend.get('region', hashOf(`entry ${i}`)))).toBe(textOf(largeEntry(i)));
  expect(await backend.get('region', hashOf(`entry ${count}`))).toBeUndefined();
}

const title = hasSmallDisks ? 'a full disk' : 'a full disk (skipped: file systems cannot be mounted here)';
(hasSmallDisks ? describe : describe.skip)(title, () => {
  test(
    'RocksDB: what is there is read, what is put is refused with the reason; room again, puts again',
    async () => {
      await using disk = await smallDisk(diskBytes);
      if (disk === undefined) throw new Error('no disk');
      const ballast = join(disk.path, 'ballast');
      writeFileSync(ballast, Buffer.alloc(5 * 1024 * 1024));
      const path = join(disk.path, 'cache');
      let acknowledged: number;
      {
        await using backend = await openRocksdbSet({ path, warn });
        await backend.registerPartitionKey('region', 'integer');
        const { count, error } = await fill(backend);
        acknowledged = count;
        expect(error).toBeInstanceOf(CacheUnavailableError);
        expect(String(error)).toMatch(/no space left on device/i);
        expect(count).toBeGreaterThan(0);
        await expectOnly(backend, count);
      }
      // Opening writes what was in the log.
      await expect(openRocksdbSet({ path, warn })).rejects.toBeInstanceOf(CacheUnavailableError);
      rmSync(ballast);
      await using backend = await openRocksdbSet({ path, warn });
      await expectOnly(backend, acknowledged);
      await backend.put(largeEntry(acknowledged));
      await expectOnly(backend, acknowledged + 1);
    },
    timeoutMs,
  );

  test(
    'PostgreSQL: what is there is read, what is put is refused with the reason; room again, puts again',
    async () => {
      await using disk = await smallDisk(diskBytes);
      if (disk === undefined) throw new Error('no disk');
      const ballast = join(disk.path, 'ballast');
      writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024));
      await using server = await startPostgres();
      const connection = server.connectionOptions(await server.createDatabase());
      const schema = { schema: 'pcache', tablePrefix: 'cache_' };
      await using pool = openPool(connection);
      await migrate(pool, cacheMigrations(schema));
      const admin = new Client(connection);
      await admin.connect();
      const place = join(disk.path, 'tablespace');
      mkdirSync(place);
      const { uid, gid } = statSync(disk.path);
      chownSync(place, uid, gid);
      await admin.query(`create tablespace small location '${place}'`);
      await admin.query('alter table pcache.cache_entry set tablespace small');
      {
        await using backend = await openPostgresqlArray({ pool: openPool(connection), schema, warn });
        await backend.registerPartitionKey('region', 'integer');
        const { count, error } = await fill(backend);
        expect(error).toBeInstanceOf(CacheUnavailableError);
        expect(String(error)).toMatch(/no space left on device.*53100/i);
        expect(count).toBeGreaterThan(0);
        await expectOnly(backend, count);
        rmSync(ballast);
        await backend.put(largeEntry(count));
        expect(textOf(await backend.get('region', hashOf(`entry ${count}`)))).toBe(textOf(largeEntry(count)));
      }
      await admin.end();
      // The server goes before its disk.
      await server.stop();
    },
    timeoutMs,
  );
});
