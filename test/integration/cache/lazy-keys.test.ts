import { parse } from 'libpg-query';
import { Client } from 'pg';
import {
  openPostgresqlArray,
  openPostgresqlBit,
  openPostgresqlRoaringbit,
} from '../../../src/cache/backends/postgresql';
import { cacheGrants, cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { roaringStorage } from '../../../src/cache/backends/postgresql/key-storage';
import { lazyKeys } from '../../../src/cache/backends/postgresql/lazy-keys';
import type { CacheBackend, EntryDescription, LazyKeys } from '../../../src/cache/cache-backend';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import type { PartitionKeyType, PartitionValue } from '../../../src/query/partition-key';
import { awkwardValues, descriptionOf, failedEntry, hashOf, sampleEntry } from '../../support/cache-entries';
import { hasPostgresBinaries, type PostgresServer, startPostgres } from '../../support/postgres-server';

const schema = { schema: 'the "cache"', tablePrefix: "My ' " };
const [a, b] = [hashOf('a'), hashOf('b')];
const warn = (): void => undefined;
const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));

describe.each(versions)('keys read in place, PostgreSQL (%s)', (binaries) => {
  let server: PostgresServer;
  let database: string;
  let client: Client;
  let backend: CacheBackend;
  beforeAll(async () => {
    server = await startPostgres({ binaries });
    database = await server.createDatabase();
    client = new Client(server.connectionOptions(database));
    await client.connect();
    await using pool = openPool(server.connectionOptions(database));
    await migrate(pool, cacheMigrations(schema));
    // Operators and functions that are to be found by nobody.
    await client.query(`
      create schema trap;
      create function trap.no(text, text) returns boolean language sql as 'select false';
      create operator trap.= (leftarg = text, rightarg = text, function = trap.no);
      create function trap.unnest(bigint[]) returns setof bigint language sql as 'select 666';
      set search_path = trap, pg_catalog, public`);
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });
  afterEach(async () => {
    await backend.dropPartitionKey('region');
    await backend[Symbol.asyncDispose]();
  });

  type Open = (
    options: Parameters<typeof openPostgresqlArray>[0] & { bits: number },
  ) => Promise<CacheBackend>;
  async function open(openIt: Open, datatype: PartitionKeyType = 'integer'): Promise<void> {
    backend = await openIt({
      pool: openPool(server.connectionOptions(database)),
      schema,
      warn,
      bits: 1_000_000,
    });
    await backend.registerPartitionKey('region', datatype);
  }

  async function put(
    text: string,
    values: readonly PartitionValue[],
    datatype: PartitionKeyType = 'integer',
    at = 1_000,
  ): Promise<void> {
    await backend.put(sampleEntry(createKeySet(datatype, values, { hasNullKey: true }), { text, at }));
  }

  async function described(): Promise<EntryDescription[]> {
    const entries = [await backend.describe('region', a), await backend.describe('region', b)];
    return entries.flatMap((entry) => entry ?? []);
  }

  function lazy(entries: readonly EntryDescription[]): LazyKeys {
    const keys = backend.lazy?.(entries);
    if (keys === undefined) throw new Error('not lazy');
    return keys;
  }

  async function read(keys: LazyKeys, by = client): Promise<{ rows: string[]; changed: boolean }> {
    const { rows } = await by.query<{ rows: string[]; changed: boolean }>(
      `select array(select k.key::text from (${keys.rows}) as k (key) order by 1) as rows, ${keys.changed} as changed`,
    );
    return rows[0] ?? { rows: [], changed: true };
  }

  test.each([
    ['array', openPostgresqlArray],
    ['bit', openPostgresqlBit],
  ] as const)('%s: the intersection, of any sets, and of one', async (_, openIt) => {
    await open(openIt);
    for (const [x, y, both] of [
      [
        [1n, 2n, 500n],
        [2n, 3n, 500n, 999n],
        ['2', '500'],
      ],
      [[1n, 2n], [3n, 900n], []],
      [[], [3n], []],
      [[0n], [0n, 7n, 8n], ['0']],
    ] as const) {
      await put('a', x);
      await put('b', y);
      const entries = await described();
      expect(await read(lazy(entries))).toEqual({ rows: [...both].sort(), changed: false });
      expect(await read(lazy(entries.slice(1)))).toEqual({ rows: y.map(String).sort(), changed: false });
    }
  });

  test.each(['float', 'text', 'timestamp', 'integer'] as const)(
    'array: every value of type %s',
    async (datatype) => {
      await open(openPostgresqlArray, datatype);
      const values = awkwardValues[datatype];
      await put('a', values, datatype);
      await put('b', values, datatype);
      const { rows, changed } = await read(lazy(await described()));
      expect([rows.length, new Set(rows).size, changed]).toEqual([values.length, values.length, false]);
    },
  );

  test('text: beside columns of any collation', async () => {
    await open(openPostgresqlArray, 'text');
    await put('a', ['x', 'é'], 'text');
    await put('b', ['x', 'é', 'y'], 'text');
    const { rows } = lazy(await described());
    for (const collation of ['"C"', '"default"', '"und-x-icu"', '"POSIX"']) {
      await client.query(
        `create temporary table t (k text collate ${collation}); insert into t values ('x'), ('y'), ('é')`,
      );
      for (const condition of [`k OPERATOR(pg_catalog.=) ANY (ARRAY(${rows}))`, `k IN (${rows})`]) {
        await client.query('set search_path = public');
        expect((await client.query(`select * from t where ${condition}`)).rowCount).toBe(2);
      }
      await client.query('drop table t; set search_path = trap, pg_catalog, public');
    }
  });

  const changes: readonly [string, () => Promise<unknown>][] = [
    ['replaced by as many keys of the same snapshot', () => put('a', [5n, 6n], 'integer', 2_000)],
    ['removed', () => backend.delete('region', a)],
    ['computed anew, and that failed', () => backend.put(failedEntry('failed', 'integer'))],
  ];
  test.each(changes)('an entry that was %s: changed, and no key is let through by it', async (_, change) => {
    await open(openPostgresqlArray);
    await put('a', [1n, 2n]);
    await put('b', [2n]);
    const keys = lazy(await described());
    await change();
    expect((await read(keys)).changed).toBe(true);
  });

  test('a transaction that began before an entry was put sees that it cannot see it', async () => {
    await open(openPostgresqlArray);
    await put('b', [2n]);
    await client.query('begin isolation level repeatable read; select 1');
    await put('a', [1n, 2n]);
    const keys = lazy(await described());
    expect(await read(keys)).toEqual({ rows: [], changed: true });
    await client.query('commit');
    expect(await read(keys)).toEqual({ rows: ['2'], changed: false });
  });

  test('keys that a program gave have no snapshot: read, and not beside those of a run', async () => {
    await open(openPostgresqlArray);
    const given = {
      ...sampleEntry(createKeySet('integer', [7n]), { text: 'a', at: 1_000 }),
      snapshot: undefined,
    };
    await backend.put(given);
    const keys = lazy(await described());
    expect(await read(keys)).toEqual({ rows: ['7'], changed: false });
    await put('a', [8n]);
    expect(await read(keys)).toEqual({ rows: [], changed: true });
  });

  test('keys that somebody changed count as changed', async () => {
    for (const [openIt, column, damage] of [
      [openPostgresqlArray, 'integers', `'{1}'`],
      [openPostgresqlBit, 'bits', `B'1'`],
      [openPostgresqlArray, 'integers', 'null'],
    ] as const) {
      await open(openIt);
      await put('a', [1n, 2n]);
      const keys = lazy(await described());
      await client.query(`update "the ""cache"""."My ' entry" set ${column} = ${damage}`);
      expect(await read(keys)).toEqual({ rows: [], changed: true });
      await backend.dropPartitionKey('region');
      await backend[Symbol.asyncDispose]();
    }
    await open(openPostgresqlArray);
  });

  test('a role with the grants for clients may read; without them, or where there is no such schema, it is told before', async () => {
    await open(openPostgresqlArray);
    await put('a', [1n]);
    const keys = lazy(await described());
    const role = 'a lazy client';
    const { password } = server.connectionOptions(database);
    await client.query(`create role "${role}" login password '${password}'`);
    const asked = async (by: Client): Promise<unknown> =>
      (await by.query<{ readable: boolean }>(`select ${keys.readable} as readable`)).rows[0]?.readable;
    const by = new Client({ ...server.connectionOptions(database), user: role });
    await by.connect();
    expect(await asked(by)).toBe(false);
    await expect(read(keys, by)).rejects.toThrow(/permission denied/);
    await client.query(cacheGrants(schema, { control: 'postgres', population: 'postgres', client: role }));
    expect(await asked(by)).toBe(true);
    expect(await read(keys, by)).toEqual({ rows: ['1'], changed: false });
    await by.end();
    const elsewhere = new Client(server.connectionOptions('postgres'));
    await elsewhere.connect();
    expect(await asked(elsewhere)).toBe(false);
    await elsewhere.end();
    await client.query(`drop owned by "${role}"; drop role "${role}"`);
  });

  test('refuses: entries without keys, none at all, and roaring bitmaps without the extension', async () => {
    await open(openPostgresqlRoaringbit);
    const entry = descriptionOf(sampleEntry(createKeySet('integer', [1n])));
    expect(backend.lazy?.([entry])).toBeUndefined();
    await backend[Symbol.asyncDispose]();
    await open(openPostgresqlArray);
    for (const entries of [[], [entry, descriptionOf(failedEntry('failed', 'integer'))]])
      expect(backend.lazy?.(entries)).toBeUndefined();
  });
});

test('roaring bitmaps, where the extension is: SQL that parses', async () => {
  const entry = descriptionOf(sampleEntry(createKeySet('integer', [1n])));
  const keys = lazyKeys([entry, entry], roaringStorage('the "ext"'), schema);
  expect(keys?.rows).toContain('"the ""ext""".rb64_and_agg(');
  for (const text of [keys?.rows, `SELECT ${keys?.changed}`, `SELECT ${keys?.readable}`])
    expect((await parse(text ?? '')).stmts).toHaveLength(1);
});
