import { isDeepStrictEqual } from 'node:util';
import { Client } from 'pg';
import {
  openPostgresqlArray,
  openPostgresqlBit,
  openPostgresqlRoaringbit,
} from '../../../src/cache/backends/postgresql';
import { cacheGrants, cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { migrate, pendingMigrations } from '../../../src/postgres/migrations';
import type { CacheBackend, CacheChange } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { CacheUnavailableError } from '../../../src/errors/cache-unavailable-error';
import { NewerSchemaError } from '../../../src/errors/newer-schema-error';
import { StartError } from '../../../src/errors/start-error';
import { openPool } from '../../../src/postgres/control-pool';
import { descriptionOf, hashOf, sampleEntry, used, withoutBytes } from '../../support/cache-entries';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

const schema = { schema: 'pcache', tablePrefix: 'cache_' };
const [a, b] = [hashOf('a'), hashOf('b')];
const keys = createKeySet('integer', [1n, 2n]);

let server: PostgresServer;
let database: string;
let admin: Client;
let opened: CacheBackend[];
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.createDatabase();
  admin = new Client(server.connectionOptions(database));
  admin.on('error', () => undefined);
  await admin.connect();
  opened = [];
});
afterEach(async () => {
  for (const backend of opened) await backend[Symbol.asyncDispose]();
  await admin.end();
});

async function open(user?: string): Promise<CacheBackend> {
  const options = server.connectionOptions(database);
  const pool = openPool({ ...options, user: user ?? options.user, connectTimeoutMs: 2_000 });
  const backend = await openPostgresqlArray({ pool, schema, warn: () => undefined });
  opened.push(backend);
  return backend;
}

async function setUp(): Promise<void> {
  await using pool = openPool(server.connectionOptions(database));
  await migrate(pool, cacheMigrations(schema));
}

/** What a proxy knows of a backend. */
function directoryOf(backend: CacheBackend): {
  readonly directory: Directory;
  readonly changes: CacheChange[];
} {
  const directory = new Directory();
  const changes: CacheChange[] = [];
  backend.subscribe((change) => {
    directory.apply(change);
    changes.push(change);
  });
  return { directory, changes };
}

describe('two processes on one store', () => {
  beforeEach(setUp);

  test('hear of what the other one does, once, and in order', async () => {
    const [first, second] = [await open(), await open()];
    const { directory, changes } = directoryOf(second);
    await first.registerPartitionKey('region', 'integer');
    const entry = sampleEntry(keys);
    await first.put(entry);
    await until('the entry is heard of', () => directory.get('region', a) !== undefined);
    expect(changes).toEqual([
      { kind: 'put', entry: { ...descriptionOf(entry), bytes: expect.any(Number) as number } },
    ]);
    await first.delete('region', a);
    await until('its end is heard of', () => directory.size === 0);
    await second.put(sampleEntry(keys, { text: 'b' }));
    expect((await first.get('region', b))?.keyCount).toBe(2);
    await first.dropPartitionKey('region');
    await until('the drop is heard of', () => directory.size === 0);
    await expect(second.put(entry)).rejects.toMatchObject({ name: 'UnknownPartitionKeyError' });
  });

  test('agree with the store after many changes by both, whatever the order they are heard in', async () => {
    const backends = [await open(), await open()];
    const known = backends.map(directoryOf);
    await backends[0]!.registerPartitionKey('region', 'integer');
    const texts = ['a', 'b', 'c'];
    for (let round = 0; round < 30; round++) {
      await Promise.all(
        backends.map(async (backend, i) => {
          const text = texts[(round + i) % 3] ?? 'a';
          if ((round + i) % 4 === 0) await backend.delete('region', hashOf(text));
          else await backend.put(sampleEntry(keys, { text, at: 1_000 * round + i }));
        }),
      );
    }
    const stored: unknown[] = [];
    for await (const { fragment, ...rest } of backends[0]!.list('region'))
      stored.push({ partitionKey: fragment.partitionKey, hash: fragment.hash, ...withoutBytes(rest) });
    for (const { directory } of known) {
      await until('the directory is what is stored', () => {
        const entries = [...directory.entries()].sort((x, y) => (x.hash < y.hash ? -1 : 1));
        return isDeepStrictEqual(entries, stored);
      });
    }
  });

  test('a process that could not be told knows all the same, once it listens again', async () => {
    const [first, second] = [await open(), await open()];
    await first.registerPartitionKey('region', 'integer');
    await first.put(sampleEntry(keys));
    const { directory } = directoryOf(second);
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'`);
    await first.put(sampleEntry(keys, { text: 'b' }));
    await first.delete('region', a);
    await until('what was missed is known', () => directory.get('region', b) !== undefined);
    await until('also what has gone', () => directory.get('region', a) === undefined);
  });

  test('a message that no pcache has sent changes nothing', async () => {
    const backend = await open();
    const { changes } = directoryOf(backend);
    const { rows } = await admin.query<{ channel: string }>(
      `select regexp_replace(query, 'listen "(.*)"', '\\1') as channel from pg_stat_activity where query like 'listen%'`,
    );
    for (const payload of ['', 'hello', '[]', '{"by": 1}', '{"by":"x","hash":[]}'])
      await admin.query('select pg_notify($1, $2)', [rows[0]?.channel, payload]);
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    await until('the entry is told', () => changes.length > 0);
    expect(changes.map(({ kind }) => kind)).toEqual(['put']);
  });

  test('a partition key whose name is too long to be told of is heard of by reading all anew', async () => {
    const [first, second] = [await open(), await open()];
    const { directory } = directoryOf(second);
    const partitionKey = 'k'.repeat(2_500).replaceAll('k', '\u20ac');
    await first.registerPartitionKey(partitionKey, 'integer');
    await first.put(sampleEntry(keys, { partitionKey }));
    await until('the entry is heard of', () => directory.get(partitionKey, a) !== undefined);
  });
});

describe('trouble with the store', () => {
  beforeEach(setUp);

  test('keys that somebody changed are not used, with a warning', async () => {
    const backend = await open();
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    await admin.query(`update pcache.cache_entry set integers = '{1}'`);
    expect(await backend.get('region', a)).toBeUndefined();
    await admin.query(`update pcache.cache_entry set integers = '{1,null}'`);
    expect(await backend.get('region', a)).toBeUndefined();
  });

  test.each([
    ['array', 'integers', `'{1}'`, openPostgresqlArray],
    ['array', 'integers', `'{1,null}'`, openPostgresqlArray],
    ['array', 'integers', 'null', openPostgresqlArray],
    ['bit', 'bits', `B'1'`, openPostgresqlBit],
    ['bit', 'bits', `B''`, openPostgresqlBit],
    ['bit', 'bits', 'null', openPostgresqlBit],
    ['roaringbit', 'roaring', `substr(roaring, 1, 9)`, openPostgresqlRoaringbit],
    ['roaringbit', 'roaring', `'hello'`, openPostgresqlRoaringbit],
    ['roaringbit', 'roaring', `''`, openPostgresqlRoaringbit],
    ['roaringbit', 'roaring', 'null', openPostgresqlRoaringbit],
  ] as const)(
    'damaged keys in %s (%s = %s) are used in no way, told of and removed',
    async (_, column, damage, openIt) => {
      const warnings: string[] = [];
      const pool = openPool(server.connectionOptions(database));
      const warn = (message: string): void => void warnings.push(message);
      await using backend = await openIt({ pool, schema, warn, bits: 1_000 });
      const { directory } = directoryOf(backend);
      await backend.registerPartitionKey('region', 'integer');
      await backend.put(sampleEntry(keys));
      await backend.put(sampleEntry(keys, { text: 'b' }));
      await admin.query(
        `update pcache.cache_entry set ${column} = ${damage} where fragment ->> 'hash' = $1`,
        [a],
      );
      const { hits, keys: common } = await backend.intersect('region', [a, b]);
      expect([hits, common?.size]).toEqual([[b], 2]);
      await until('it is removed', async () => (await backend.count('region')) === 1);
      // The store tells of it a moment after it has done it.
      await until('that is known', () => directory.get('region', a) === undefined);
      expect(warnings).toEqual([expect.stringMatching(/ entry [0-9a-f]{64} of region .*; it is not used$/)]);
      expect(await backend.get('region', a)).toBeUndefined();
      await backend.put(sampleEntry(keys));
      expect((await backend.intersect('region', [a, b])).hits).toEqual([a, b]);
    },
  );

  test.each([
    ['of another form', `'{}'`],
    ['with a part that is missing', `fragment - 'tables'`],
    ['with a part of another form', `jsonb_set(fragment, '{tables}', '["public.place"]')`],
    ['of a type that is not known', `jsonb_set(fragment, '{datatype}', '"uuid"')`],
    ['with a tag that is none', `fragment || '{"more": {"$bigint": "x"}}'`],
    ['of another entry', `jsonb_set(fragment, '{hash}', '"${'0'.repeat(64)}"')`],
    ['of another partition key', `jsonb_set(fragment, '{partitionKey}', '"city"')`],
  ])('an entry with a fragment %s is told of and removed; the others are listed', async (_, damage) => {
    const warnings: string[] = [];
    const pool = openPool(server.connectionOptions(database));
    const warn = (message: string): void => void warnings.push(message);
    await using backend = await openPostgresqlArray({ pool, schema, warn });
    await backend.registerPartitionKey('region', 'integer');
    for (const text of ['a', 'b', 'c']) await backend.put(sampleEntry(keys, { text }));
    const change = `update pcache.cache_entry set fragment = ${damage} where fragment ->> 'hash' = $1`;
    await admin.query(change, [b]);
    const listed: string[] = [];
    for await (const { fragment } of backend.list('region')) listed.push(fragment.hash);
    expect(listed.sort()).toEqual([a, hashOf('c')].sort());
    await until('it is removed', async () => (await backend.count('region')) === 2);
    expect(warnings).toEqual([expect.stringMatching(/: entry 3e23\w{60} of region .*; it is not used$/)]);
    await backend.put(sampleEntry(keys, { text: 'b' }));
    await admin.query(change, [b]);
    expect(await backend.get('region', b)).toBeUndefined();
    expect(await backend.describe('region', a)).toBeDefined();
  });

  test('uses that are noted while others are written are counted once', async () => {
    const backend = await open();
    await backend.registerPartitionKey('region', 'integer');
    await backend.put(sampleEntry(keys));
    await admin.query('begin; lock table pcache.cache_entry');
    // As many notes as are written at once; the store does not get to it yet.
    const others = Array.from({ length: 999 }, (_, i) => hashOf(`other ${i}`));
    await backend.touch('region', used(others, 1));
    const noted = [backend.touch('region', used([a], 2))];
    await until('the first is being written', async () => {
      const { rows } = await admin.query(`select from pg_locks where not granted`);
      return rows.length > 0;
    });
    for (let at = 3; at <= 6; at++) noted.push(backend.touch('region', used([a], at)));
    await admin.query('commit');
    await Promise.all(noted);
    expect((await backend.describe('region', a))?.benefit?.uses).toBe(5);
    const { rows } = await admin.query('select uses from pcache.cache_entry');
    expect(rows).toEqual([{ uses: '5' }]);
  });

  test('connections that are cut are made again', async () => {
    const backend = await open();
    await backend.registerPartitionKey('region', 'integer');
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
    await until('it can be written again', () =>
      backend.put(sampleEntry(keys)).then(
        () => true,
        (error: unknown) => {
          if (error instanceof CacheUnavailableError) return false;
          throw error;
        },
      ),
    );
    expect((await backend.get('region', a))?.keyCount).toBe(2);
  });

  test('a table that is gone makes it unavailable, with the reason', async () => {
    const backend = await open();
    await backend.registerPartitionKey('region', 'integer');
    await admin.query('alter table pcache.cache_entry rename to gone');
    await expect(backend.put(sampleEntry(keys))).rejects.toThrow(/"pcache.cache_entry" does not exist/);
    await expect(backend.get('region', a)).rejects.toBeInstanceOf(CacheUnavailableError);
    await admin.query('alter table pcache.gone rename to cache_entry');
    expect(await backend.get('region', a)).toBeUndefined();
  });
});

describe('setting up', () => {
  test('by several at once is done once', async () => {
    const runs = await Promise.all(
      Array.from({ length: 5 }, async () => {
        await using pool = openPool(server.connectionOptions(database));
        return await migrate(pool, cacheMigrations(schema));
      }),
    );
    expect(runs.flat()).toEqual(['0001-entries', '0002-bytes', '0003-in-place', '0004-benefit']);
  });

  test('says what is pending, and after it nothing', async () => {
    await using pool = openPool(server.connectionOptions(database));
    expect(await pendingMigrations(pool, cacheMigrations(schema))).toEqual([
      '0001-entries',
      '0002-bytes',
      '0003-in-place',
      '0004-benefit',
    ]);
    await migrate(pool, cacheMigrations(schema));
    expect(await pendingMigrations(pool, cacheMigrations(schema))).toEqual([]);
  });

  test('that fails leaves nothing behind', async () => {
    await admin.query('create schema pcache');
    await admin.query('create table pcache.cache_entry (is_in_the_way int)');
    await using pool = openPool(server.connectionOptions(database));
    await expect(migrate(pool, cacheMigrations(schema))).rejects.toThrow(/"cache_entry" already exists/);
    const { rows } = await admin.query(
      `select tablename from pg_tables where schemaname = 'pcache' order by 1`,
    );
    expect(rows.map(({ tablename }) => tablename)).toEqual(['cache_entry', 'cache_migration']);
    await admin.query('drop table pcache.cache_entry');
    expect(await migrate(pool, cacheMigrations(schema))).toEqual([
      '0001-entries',
      '0002-bytes',
      '0003-in-place',
      '0004-benefit',
    ]);
  });

  test('refuses: a schema a later version has set up, unless that version says it does no harm', async () => {
    await setUp();
    const note = 'insert into pcache.cache_migration (number, name, is_breaking) values ($1, $2, $3)';
    await admin.query(note, [98, '0098-harmless', false]);
    await open();
    await admin.query(note, [99, '0099-other-tables', true]);
    await expect(open()).rejects.toBeInstanceOf(NewerSchemaError);
    await expect(setUp()).rejects.toThrow(/0099-other-tables.*use a newer pcache/);
  });

  test('refuses: a schema whose tables the role may not read', async () => {
    await setUp();
    const { password } = server.connectionOptions(database);
    await admin.query(`create role poor login password '${password}'`);
    await admin.query('grant usage on schema pcache to poor; grant select on pcache.cache_migration to poor');
    await expect(open('poor')).rejects.toThrow(/^the cache cannot be used: .*permission denied for table/);
    await admin.query('drop owned by poor; drop role poor');
  });

  test('refuses: a schema that was never set up', async () => {
    await expect(open()).rejects.toBeInstanceOf(StartError);
  });
});

test('roles with the grants that are printed can do what they have to, and no more', async () => {
  await setUp();
  const roles = { control: 'Control "1"', population: 'populate', client: 'a client' };
  const { password } = server.connectionOptions(database);
  for (const role of ['"Control ""1"""', 'populate', '"a client"']) {
    await admin.query(`drop role if exists ${role}`);
    await admin.query(`create role ${role} login password '${password}'`);
  }
  await admin.query(cacheGrants(schema, roles));
  const backend = await open(roles.control);
  await backend.registerPartitionKey('region', 'integer');
  await backend.put(sampleEntry(keys));
  await backend.touch('region', used([a], 5_000));
  const populating = await open(roles.population);
  await populating.put(sampleEntry(keys, { text: 'b' }));
  await populating.put(sampleEntry(keys, { text: 'b' }));
  expect((await populating.describe('region', b))?.keyCount).toBe(2);
  await expect(populating.delete('region', b)).rejects.toThrow(/permission denied/);
  await expect(populating.registerPartitionKey('other', 'integer')).rejects.toThrow(/permission denied/);
  await expect(populating.dropPartitionKey('region')).rejects.toThrow(/permission denied/);
  expect((await backend.intersect('region', [a, b])).keys?.size).toBe(2);

  const client = new Client({ ...server.connectionOptions(database), user: roles.client });
  await client.connect();
  const read = 'select integers from pcache.cache_entry where partition_key = $1 and hash is not null';
  expect((await client.query(read, ['region'])).rows).toHaveLength(2);
  for (const denied of [
    'select fragment from pcache.cache_entry',
    'select error from pcache.cache_entry',
    'select * from pcache.cache_entry',
    'select * from pcache.cache_partition_key',
    'delete from pcache.cache_entry where hash is null',
    'update pcache.cache_entry set integers = null',
  ])
    await expect(client.query(denied)).rejects.toThrow(/permission denied/);
  await client.end();

  expect(await backend.dropPartitionKey('region')).toBe(2);
  for (const backendToClose of opened.splice(0)) await backendToClose[Symbol.asyncDispose]();
  const all = '"Control ""1""", populate, "a client"';
  await admin.query(`drop owned by ${all}; drop role ${all}`);
});

test('clients get nothing unless their role is named', () => {
  const grants = cacheGrants(schema, { control: 'control', population: 'control' });
  expect(grants).not.toMatch(/public|client/i);
});
