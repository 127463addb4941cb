import { Client } from 'pg';
import {
  applyCache,
  applyCacheLazy,
  type CacheHelper,
  createCacheHelper,
  extendQueryWithPartitionKeysLazy,
  generateAllHashes,
  getPartitionKeysLazy,
  NotInPlaceError,
  populate,
} from '../../../src';
import { Tracking } from '../../../src/freshness/tracking';
import { openPool } from '../../../src/postgres/control-pool';
import { large, LibraryDatabase, parks } from '../../support/library-database';

const methods = ['IN', 'IN_SUBQUERY', 'TMP_TABLE_IN', 'TMP_TABLE_JOIN'] as const;

describe('keys that a query reads where they are', () => {
  let database: LibraryDatabase;
  let cache: CacheHelper;

  beforeAll(async () => {
    database = await LibraryDatabase.open();
    const { connection } = database;
    const options = { connection, consistency: 'static', setUp: true } as const;
    cache = await createCacheHelper('postgresql_array', 'city_id', 'integer', options);
  });

  afterAll(async () => {
    await cache.close();
    await database[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    await populate({ query: parks, cacheHandler: cache });
    await populate({ query: large, cacheHandler: cache });
  });

  const entryTable = 'pcache.cache_entry';

  describe.each(methods)('method %s', (method) => {
    const asked = () => ({ method, session: database.client, cacheHandler: cache });

    test('applyCacheLazy: the same rows, and no key in the text', async () => {
      for (const query of [parks, `${large} -- all\n;`, `with a as (${large}) select count(*) from a`]) {
        const lazy = await applyCacheLazy({ query, ...asked() });
        expect(lazy).toMatchObject({ reason: undefined, isInPlace: true, stats: { enhanced: true } });
        expect(lazy.query).toContain(entryTable.replace('.', '"."'));
        expect(lazy.query).not.toMatch(/'\{\d+/);
        expect(lazy.setup.length > 0).toBe(method.startsWith('TMP'));
        expect(await database.rows(lazy.query, lazy.setup.length)).toEqual(await database.rows(query));
      }
    });

    test.each([
      ['removed', `delete from ${entryTable}`],
      ['emptied', `update ${entryTable} set integers = '{}'`],
      ['replaced', `update ${entryTable} set integers = '{1}', created_at = now()`],
      ['known to have failed', `update ${entryTable} set status = 'failed', error = 'e', integers = null`],
    ])('entries that were %s before it is run cost no row', async (_, change) => {
      const lazy = await applyCacheLazy({ query: parks, ...asked() });
      await database.client.query('begin');
      try {
        await database.client.query(change);
        expect(await database.rows(lazy.query, lazy.setup.length)).toEqual(await database.rows(parks));
      } finally {
        await database.client.query('rollback');
      }
    });

    test('getPartitionKeysLazy gives what extendQueryWithPartitionKeysLazy takes', async () => {
      const found = await getPartitionKeysLazy({ query: parks, cacheHandler: cache, p0Alias: 's' });
      expect(found).toMatchObject({ generatedVariants: 2, cacheHits: 2, reason: undefined });
      const { lazySubquery = '' } = found;
      const keys = await database.client.query(
        `select array_agg(k order by k) as keys from (${lazySubquery}) as k (k)`,
      );
      expect(keys.rows).toEqual([{ keys: [1] }]);
      const extended = await extendQueryWithPartitionKeysLazy({
        ...{ query: parks, lazySubquery, p0Alias: 's', ...asked() },
      });
      expect(extended.reason).toBeUndefined();
      expect(extended.query).toContain('"s"."city_id" OPERATOR(pg_catalog.=) ANY');
      expect(await database.rows(extended.query, extended.setup.length)).toEqual(await database.rows(parks));
    });
  });

  test('several partition keys: a helper each, and each adds what it knows', async () => {
    const { connection } = database;
    await using kinds = await createCacheHelper('postgresql_array', 'type', 'text', {
      ...{ connection, consistency: 'static', maxKeyShare: 1 },
    });
    await populate({ query: parks, cacheHandler: kinds });
    for (const apply of [applyCache, applyCacheLazy])
      for (const method of methods) {
        const first = await apply({ query: parks, cacheHandler: cache, session: database.client });
        const asked = { query: first.query, cacheHandler: kinds, method, session: database.client };
        const both = await apply(asked);
        expect([first.reason, both.reason]).toEqual([undefined, undefined]);
        expect(both.query).toContain('"p"."type" OPERATOR(pg_catalog.=) ANY');
        expect(both.query).toContain('."city_id" OPERATOR(pg_catalog.=) ANY');
        expect(await database.rows(both.query, both.setup.length)).toEqual(await database.rows(parks));
      }
    const own = `${parks} and p.type = any ('{park}'::text[]) and 1 / (p.x + 1) >= 0`;
    const asked = { query: own, cacheHandler: cache, session: database.client };
    expect((await applyCacheLazy(asked)).reason).toBe('may raise an error');
    const promised = await applyCacheLazy({ ...asked, retriesOnError: true });
    const again = await applyCacheLazy({ ...asked, query: promised.query, cacheHandler: kinds });
    expect(again.reason).toBe('may raise an error');
  });

  test('analyzeTmpTable: false makes the table and nothing else', async () => {
    const asked = {
      query: parks,
      cacheHandler: cache,
      method: 'TMP_TABLE_JOIN',
      session: database.client,
    } as const;
    expect((await applyCacheLazy(asked)).setup).toHaveLength(3);
    const plain = await applyCacheLazy({ ...asked, analyzeTmpTable: false });
    expect(plain.setup).toHaveLength(1);
    expect(await database.rows(plain.query, 1)).toEqual(await database.rows(parks));
  });

  test('two tables of another type of integer, and a key that neither can hold', async () => {
    await database.client.query('create table small as select city_id::int2, name from city; analyze small');
    await cache.refresh();
    const { connection } = database;
    const options = { connection, consistency: 'static', maxKeyShare: 1 } as const;
    await using wide = await createCacheHelper('postgresql_array', 'city_id', 'integer', options);
    const query = `select s.name from small s, city c where s.city_id = c.city_id and c.name like 'City 1%'`;
    const [hash = ''] = await generateAllHashes({ query, cacheHandler: wide });
    const all = Array.from({ length: 40 }, (_, i) => i + 1);
    await wide.setSet(hash, [...all, 2 ** 40, -(2 ** 40), 40_000, null]);
    for (const p0Alias of ['s', 'c'])
      for (const method of ['IN', 'IN_SUBQUERY'] as const) {
        const lazy = await applyCacheLazy({ query, cacheHandler: wide, p0Alias, method });
        expect(lazy.stats).toMatchObject({ enhanced: true, p0Rewritten: true });
        expect(await database.rows(lazy.query)).toEqual(await database.rows(query));
      }
    await database.client.query('drop table small');
  });

  test('bit sets; and columns of text, date and timestamps, read as what they are', async () => {
    const { connection, client } = database;
    await using bits = await createCacheHelper('postgresql_bit', 'city_id', 'integer', {
      ...{ connection, consistency: 'static', cache: { bits: 1_000 } },
    });
    await populate({ query: parks, cacheHandler: bits });
    const lazy = await applyCacheLazy({ query: parks, cacheHandler: bits });
    expect(lazy.isInPlace).toBe(true);
    expect(await database.rows(lazy.query)).toEqual(await database.rows(parks));
    await client.query(`
      create table visit (tag text collate "C", day date, at timestamptz, moment timestamp, share float8, n integer);
      insert into visit select 'é' || i % 20, date '2020-01-01' + i % 20, timestamptz '2020-01-01 00:00+02' + i % 20 * interval '1 hour',
             timestamp '1999-12-31' + i % 20 * interval '1 second', (i % 20) / 3.0, i from generate_series(1, 400) as i;
      insert into visit values (null, null, null, null, null, 7);
      analyze visit`);
    for (const [column, datatype] of [
      ['tag', 'text'],
      ['day', 'timestamp'],
      ['at', 'timestamp'],
      ['moment', 'timestamp'],
      ['share', 'float'],
    ] as const) {
      await using helper = await createCacheHelper('postgresql_array', column, datatype, {
        ...{ connection, consistency: 'static', tables: { 'public.visit': column } },
      });
      const query = `select ctid from visit where n % 20 = 7 and n < 300 or n = 7`;
      expect(await populate({ query, cacheHandler: helper })).toMatchObject([{ status: 'ok', keyCount: 1 }]);
      const { query: text, stats } = await applyCacheLazy({ query, cacheHandler: helper, session: client });
      expect(stats.enhanced).toBe(true);
      expect(await database.rows(text)).toEqual(await database.rows(query));
    }
    await client.query('drop table visit');
  });

  describe('exact keys', () => {
    let exact: CacheHelper;

    beforeAll(async () => {
      const { connection } = database;
      await using pool = openPool(connection);
      const tracking = new Tracking({ pool, schema: 'pcache', lockTimeoutMs: 1_000, attempts: 10 });
      const tables = ['poi', 'street', 'city'].map((table) => ({
        ...{ schema: 'public', table, keyColumn: 'city_id' },
      }));
      for (const { reason } of await tracking.install(tables)) expect(reason).toBeUndefined();
      exact = await createCacheHelper('postgresql_array', 'city_id', 'integer', { connection });
    });
    afterAll(() => exact.close());

    test.each(methods)('%s: what changed since is looked up, one’s own writes too', async (method) => {
      expect(
        await populate({ query: large, cacheHandler: exact, forceRecalculate: true }),
      ).not.toContainEqual(expect.objectContaining({ status: 'failed' }));
      const lazy = await applyCacheLazy({
        query: large,
        cacheHandler: exact,
        method,
        session: database.client,
      });
      expect(lazy).toMatchObject({ reason: undefined, isInPlace: true });
      const before = await database.rows(large);
      const rows = () => database.rows(lazy.query, lazy.setup.length);
      expect(await rows()).toEqual(before);
      await database.client.query('begin');
      try {
        await database.client.query(`insert into poi values (9001, 59, 'New', 'park', 1999, 1, 1)`);
        expect(await database.rows(large)).toHaveLength(before.length + 1);
        expect(await rows()).toEqual(await database.rows(large));
        await database.client.query(`delete from ${entryTable}`);
        expect(await rows()).toEqual(await database.rows(large));
      } finally {
        await database.client.query('rollback');
      }
    });

    test('the keys by themselves are exact in the statement that has them, and are not put into a table before', async () => {
      await populate({ query: large, cacheHandler: exact, forceRecalculate: true });
      const { lazySubquery = '' } = await getPartitionKeysLazy({ query: large, cacheHandler: exact });
      const asked = { query: large, lazySubquery, cacheHandler: exact, session: database.client };
      const extended = await extendQueryWithPartitionKeysLazy(asked);
      await database.client.query(`begin; insert into poi values (9001, 59, 'New', 'park', 1999, 1, 1)`);
      expect(await database.rows(extended.query)).toEqual(await database.rows(large));
      await database.client.query('rollback');
      const left = await extendQueryWithPartitionKeysLazy({ ...asked, method: 'TMP_TABLE_IN' });
      expect(left).toMatchObject({ query: large, reason: expect.stringMatching(/^exact keys are exact in/) });
    });
  });

  test.each([
    ['select id from poi where', /cannot be parsed/],
    ['select 1', 'not a candidate'],
    ['select 1 from poi where false', /./],
    [`select id from poi p where 1 / area > 0 and area > 1980`, /may raise an error/],
    [`select id from poi p where area > 1981`, 'miss'],
    [`${large} for update`, /./],
    [`/* pcache: off */ ${large}`, 'switched off'],
  ])('leaves %j alone, and says why', async (query, reason) => {
    const expected = { query, reason: typeof reason === 'string' ? reason : expect.stringMatching(reason) };
    expect(await applyCacheLazy({ query, cacheHandler: cache })).toMatchObject(expected);
  });

  test.each([['', 'select 1; select 2', 'delete from poi', 'select 1 into t', 'select', '1) or true']])(
    'extendQueryWithPartitionKeysLazy takes one SELECT only',
    async (...texts) => {
      for (const lazySubquery of texts) {
        const asked = { query: large, cacheHandler: cache, lazySubquery };
        const isRefused = await extendQueryWithPartitionKeysLazy(asked).then(
          ({ reason }) => reason !== undefined,
          (error: unknown) => error instanceof TypeError,
        );
        expect([lazySubquery, isRefused]).toEqual([lazySubquery, true]);
      }
      const own = await extendQueryWithPartitionKeysLazy({
        ...{ query: large, cacheHandler: cache, lazySubquery: 'select city_id from city -- all\n;' },
      });
      expect(await database.rows(own.query)).toEqual(await database.rows(large));
    },
  );

  test('another cache, or a role that may not read it: a typed error; applyCacheLazy has the keys in the text for the former', async () => {
    const { connection, client } = database;
    await using memory = await createCacheHelper('memory', 'city_id', 'integer', {
      ...{ connection, consistency: 'static' },
    });
    await expect(getPartitionKeysLazy({ query: large, cacheHandler: memory })).rejects.toThrow(
      NotInPlaceError,
    );
    await populate({ query: large, cacheHandler: memory });
    const inText = await applyCacheLazy({ query: large, cacheHandler: memory });
    expect(inText).toMatchObject({ isInPlace: false, stats: { enhanced: true } });
    expect(await database.rows(inText.query)).toEqual(await database.rows(large));

    await client.query(
      `create role lazy_reader login password 'secret'; grant select on poi, street, city to lazy_reader`,
    );
    const reader = new Client({ ...connection, user: 'lazy_reader', password: 'secret' });
    await reader.connect();
    const asked = { query: large, cacheHandler: cache, session: reader };
    await expect(applyCacheLazy(asked)).rejects.toThrow(NotInPlaceError);
    await expect(getPartitionKeysLazy(asked)).rejects.toThrow(/pcache manage grants --client/);
    await reader.end();
    await client.query('drop owned by lazy_reader; drop role lazy_reader');
  });
});
