import {
  applyCache,
  type CacheHelper,
  ClosedHelperError,
  ConfigError,
  createCacheHelper,
  DatatypeMismatchError,
  generateAllHashes,
  generateAllQueryHashPairs,
  getQueueLengths,
  InexactEntryError,
  mysqlSource,
  popFromOriginalQueryQueue,
  popFromOriginalQueryQueueBlocking,
  popFromQueryFragmentQueue,
  popFromQueryFragmentQueueBlocking,
  populate,
  postgresqlSource,
  pushToOriginalQueryQueue,
  pushToQueryFragmentQueue,
  sqliteSource,
  UnconnectedHelperError,
  UnknownFragmentError,
} from '../../../src';
import { large, LibraryDatabase, parks } from '../../support/library-database';
import { hasMariadb, startMariadb } from '../../support/mariadb-server';
import { hasRedis, startRedis } from '../../support/redis-server';
import { openSqlite, sqliteEnvironment, sqliteProblem, sqliteProgram } from '../../support/sqlite-file';
import { temporaryDirectory } from '../../support/temporary-directory';

describe('stores, queues and sources of the library', () => {
  let database: LibraryDatabase;
  let cache: CacheHelper;

  beforeAll(async () => {
    database = await LibraryDatabase.open();
    const { connection } = database;
    cache = await createCacheHelper('memory', 'city_id', 'integer', { connection, consistency: 'static' });
  });

  afterAll(async () => {
    await cache.close();
    await database[Symbol.asyncDispose]();
  });

  const learn = (query: string, cacheHandler: CacheHelper = cache): Promise<void> =>
    database.learn(query, cacheHandler);

  test('the queue', async () => {
    const [first, second] = ['select id from poi where area > 3', 'select id from poi where area > 4'];
    expect(await popFromOriginalQueryQueue(cache)).toBeUndefined();
    expect(await popFromOriginalQueryQueueBlocking(cache, 0)).toBeUndefined();
    expect(await popFromQueryFragmentQueueBlocking(cache, 5)).toBeUndefined();
    const asked = { cacheHandler: cache, partitionKey: 'city_id', partitionDatatype: 'integer' } as const;
    expect(await pushToOriginalQueryQueue({ ...asked, query: first })).toBe('added');
    expect(await pushToOriginalQueryQueue({ ...asked, query: second, priority: 5 })).toBe('added');
    expect(await pushToOriginalQueryQueue({ ...asked, query: first })).toBe('raised');
    const queryHashPairs = await generateAllQueryHashPairs({ query: parks, cacheHandler: cache });
    expect(await pushToQueryFragmentQueue({ queryHashPairs, cacheHandler: cache })).toEqual([
      'added',
      'added',
    ]);
    expect(await getQueueLengths(cache)).toMatchObject({ originalQueryQueue: 2, queryFragmentQueue: 2 });

    const popped = await popFromOriginalQueryQueue(cache);
    expect(popped).toMatchObject({
      work: { query: second, partitionKey: 'city_id' },
      priority: 5,
      attempt: 1,
    });
    expect(await popped?.release()).toBe(true);
    const again = await popFromOriginalQueryQueueBlocking(cache, 60_000);
    expect(await again?.complete()).toBe(true);
    expect(await again?.complete()).toBe(false);
    const fragment = await popFromQueryFragmentQueue(cache);
    expect(queryHashPairs.map(({ hash }) => hash)).toContain(fragment?.work.hash);
    expect(await fragment?.fail('a test')).toMatchObject({ kind: 'retried' });
    const waiting = popFromOriginalQueryQueueBlocking(cache, 60_000);
    expect(await (await waiting)?.complete()).toBe(true);
    const [late] = await Promise.all([
      popFromOriginalQueryQueueBlocking(cache, 60_000),
      pushToOriginalQueryQueue({ ...asked, query: first }),
    ]);
    expect(late).toMatchObject({ work: { query: first } });
    await late?.complete();
    await expect(popFromOriginalQueryQueueBlocking(cache, -1)).rejects.toThrow(TypeError);
    await expect(pushToOriginalQueryQueue({ ...asked, query: first, partitionKey: 'x' })).rejects.toThrow(
      TypeError,
    );
    await expect(
      pushToOriginalQueryQueue({ ...asked, query: first, partitionDatatype: 'text' }),
    ).rejects.toThrow(TypeError);
  });

  describe('entries by name', () => {
    test('a set, what is in it, and what is not', async () => {
      await cache.setSet('parks', new Set([1, 5, 10n, null]));
      const keys = await cache.get('parks');
      expect([...(keys ?? [])]).toEqual([1n, 5n, 10n]);
      expect(keys?.toNumbers()).toEqual([1, 5, 10]);
      expect([keys?.size, keys?.hasNullKey, keys?.has(5), keys?.has(6), keys?.has(null)]).toEqual([
        3,
        true,
        true,
        false,
        true,
      ]);
      expect(keys?.intersection([5, 6]).toNumbers()).toEqual([5]);
      expect(await cache.exists('parks')).toBe(true);
      await cache.setCache('europe', [5, 10, 15]);
      const { keys: both, hits } = await cache.getIntersected(['parks', 'europe', 'unknown']);
      expect([both?.toNumbers(), hits]).toEqual([[5, 10], 2]);
      expect(await cache.getIntersected(['unknown'])).toEqual({ keys: undefined, hits: 0 });
      expect(await cache.getAllKeys()).toEqual(expect.arrayContaining(['parks', 'europe']));
      expect(await cache.delete('europe')).toBe(true);
      expect(await cache.delete('europe')).toBe(false);
      expect(await cache.exists('europe')).toBe(false);
    });

    test('an empty set is known, null is known not to be, a text alone is neither', async () => {
      await cache.setSet('none', []);
      expect((await cache.get('none'))?.size).toBe(0);
      await cache.setNull('null');
      expect([await cache.exists('null'), await cache.get('null')]).toEqual([true, undefined]);
      await cache.setQuery('text', 'select 1');
      expect([await cache.exists('text'), await cache.getQuery('text')]).toEqual([false, 'select 1']);
      await cache.setSet('text', [1]);
      expect([await cache.exists('text'), await cache.getQuery('text')]).toEqual([true, 'select 1']);
      await cache.setEntry('both', [1, 2], 'select 2');
      await cache.setQuery('both', 'select 3');
      expect([(await cache.get('both'))?.size, await cache.getQuery('both')]).toEqual([2, 'select 3']);
    });

    test('names restrict nothing unasked', async () => {
      const query = 'select id from poi where area > 17';
      await cache.setSet(query, []);
      expect((await applyCache({ query, cacheHandler: cache })).reason).toBe('miss');
    });

    test('bad names, and hashes of nothing', async () => {
      for (const name of ['', 'a\0b', '\ud800'])
        await expect(cache.setSet(name, [1])).rejects.toThrow(TypeError);
      await expect(cache.setSet('0'.repeat(64), [1])).rejects.toThrow(UnknownFragmentError);
      expect(await cache.get('0'.repeat(64))).toBeUndefined();
    });

    test('at the same time', async () => {
      const sets = Array.from({ length: 50 }, (_, i) => [i, i + 1]);
      await Promise.all(sets.map((keys) => cache.setSet('contended', keys)));
      expect((await cache.get('contended'))?.size).toBe(2);
      const others = [cache.setQuery('contended', 'select 1'), cache.setSet('contended', [1, 2, 3])];
      await Promise.all([...others, cache.setQuery('contended', 'select 2')]);
      expect((await cache.get('contended'))?.size).toBe(3);
      expect(await cache.getQuery('contended')).toBe('select 2');
    });
  });

  test('exact keys: nothing given is taken for them, and nothing is restricted by what cannot be told to be fresh', async () => {
    const { connection } = database;
    await using exact = await createCacheHelper('memory', 'city_id', 'integer', { connection });
    const [hash = ''] = await generateAllHashes({ query: large, cacheHandler: exact });
    await expect(exact.setSet(hash, [1])).rejects.toThrow(InexactEntryError);
    await exact.setSet('name', [1]);
    const [result] = await populate({ query: large, cacheHandler: exact });
    expect(result?.status).not.toBe('ok');
    expect(await applyCache({ query: large, cacheHandler: exact })).toMatchObject({ query: large });
    const source = sqliteSource({ path: 'nowhere' });
    await expect(populate({ query: large, cacheHandler: exact, source })).rejects.toThrow(InexactEntryError);
  });

  describe('sources', () => {
    test('the database itself, and what has been run is known', async () => {
      const query = 'select id from poi where area > 1970';
      const [first] = await populate({ query, cacheHandler: cache });
      expect(first).toMatchObject({ status: 'ok', error: undefined });
      expect(await populate({ query, cacheHandler: cache })).toMatchObject([{ status: 'known' }]);
      const forced = await populate({ query, cacheHandler: cache, forceRecalculate: true });
      expect(forced).toMatchObject([{ status: 'ok', keyCount: first?.keyCount }]);
      const enhanced = await applyCache({ query, cacheHandler: cache });
      expect(enhanced.stats.enhanced).toBe(true);
      expect(await database.rows(enhanced.query)).toEqual(await database.rows(query));
      const few = await populate({ query: `${query} and x > 3`, cacheHandler: cache, maxKeys: 1 });
      expect(few).toMatchObject([{ status: 'too_large' }]);
      const aborted = { query: `${query} and x > 4`, cacheHandler: cache, signal: AbortSignal.abort() };
      expect(await populate(aborted)).toMatchObject([{ status: 'aborted' }]);
    });

    test('another PostgreSQL server, here the same', async () => {
      const { host, port, user, password, database: name } = database.connection;
      const url = `postgresql://${user}:${encodeURIComponent(password)}@${host}:${port}/${name}?sslmode=disable`;
      const query = 'select id from poi where area > 1971';
      const results = await populate({ query, cacheHandler: cache, source: postgresqlSource(url) });
      expect(results).toMatchObject([{ status: 'ok' }]);
    });

    (sqliteProblem === undefined ? test : test.skip)(
      `a copy in SQLite${sqliteProblem === undefined ? '' : ` (${sqliteProblem})`}`,
      async () => {
        await using directory = await temporaryDirectory('library');
        const path = `${directory.path}/copy.sqlite`;
        const copy = openSqlite(path);
        copy.exec(
          'create table poi (id integer, city_id integer, name text, type text, area integer, x integer, y integer)',
        );
        const insert = copy.prepare('insert into poi values (?, ?, ?, ?, ?, ?, ?)');
        const { rows } = await database.client.query<unknown[]>({
          text: 'select * from poi',
          rowMode: 'array',
        });
        copy.exec('begin');
        for (const row of rows) insert.run(...row);
        copy.exec('commit');
        copy.close();
        const query = 'select id from poi where area > 1972';
        const source = sqliteSource({ path, program: sqliteProgram, environment: sqliteEnvironment });
        expect(await populate({ query, cacheHandler: cache, source })).toMatchObject([{ status: 'ok' }]);
        const enhanced = await applyCache({ query, cacheHandler: cache });
        expect(enhanced.stats.enhanced).toBe(true);
        expect(await database.rows(enhanced.query)).toEqual(await database.rows(query));
      },
    );
  });

  const isInstalled = hasMariadb && hasRedis;
  (isInstalled ? test : test.skip)(
    `Redis, and a copy in MariaDB${isInstalled ? '' : ' (mariadb-server or redis-server is not installed)'}`,
    async () => {
      await using redis = await startRedis();
      await using mariadb = await startMariadb();
      const copy = await mariadb.connect();
      await copy.query(
        'create table poi (id integer, city_id integer, name text, type text, area integer, x integer, y integer)',
      );
      const { rows } = await database.client.query<unknown[]>({
        text: 'select * from poi',
        rowMode: 'array',
      });
      await copy.query('insert into poi values ?', [rows]);
      await copy.end();
      await using helper = await createCacheHelper('redis_set', 'city_id', 'integer', {
        ...{ connection: database.connection, consistency: 'static' },
        cache: { redis: { addresses: `${redis.host}:${redis.port}` } },
      });
      const query = 'select id from poi where area > 1973';
      const { host, port, user, password, database: name } = mariadb.options;
      const source = mysqlSource({ host, port, user, password, database: name });
      expect(await populate({ query, cacheHandler: helper, source })).toMatchObject([{ status: 'ok' }]);
      const enhanced = await applyCache({ query, cacheHandler: helper });
      expect(enhanced.stats.enhanced).toBe(true);
      expect(await database.rows(enhanced.query)).toEqual(await database.rows(query));
      await using texts = await createCacheHelper('redis_set', 'session_id', 'text', {
        cache: { redis: { addresses: `${redis.host}:${redis.port}` } },
      });
      await texts.setSet('sessions', ['a', "b'c"]);
      expect([...((await texts.get('sessions')) ?? [])]).toEqual(['a', "b'c"]);
    },
  );

  describe('other helpers', () => {
    test('in PostgreSQL, set up by the way; two of one key see each other', async () => {
      const options = { connection: database.connection, consistency: 'static', setUp: true } as const;
      await using one = await createCacheHelper('postgresql_array', 'city_id', 'integer', options);
      await using two = await createCacheHelper('postgresql_array', 'city_id', 'integer', options);
      await one.setEntry('named', [1, 2], 'select 1');
      expect((await two.get('named'))?.toNumbers()).toEqual([1, 2]);
      await learn(large, one);
      const enhanced = await applyCache({ query: large, cacheHandler: one });
      expect(enhanced.stats.enhanced).toBe(true);
      expect(await pushToOriginalQueryQueue({ query: large, cacheHandler: one })).toBe('added');
      expect(await (await popFromOriginalQueryQueue(two))?.complete()).toBe(true);
      expect(await two.deletePartition()).toBe(2);
      expect(await one.getAllKeys()).toEqual([]);
      await one.setSet('again', [1]);
      const asText = createCacheHelper('postgresql_array', 'city_id', 'text', {
        ...options,
        tables: { 'public.city': 'city_id' },
      });
      await expect(asText).rejects.toThrow(DatatypeMismatchError);
    });

    test('several partition keys in one directory of RocksDB', async () => {
      await using directory = await temporaryDirectory('library');
      const cacheOptions = { cache: { path: `${directory.path}/keys` } };
      const cities = await createCacheHelper('rocksdict', 'city_id', 'integer', cacheOptions);
      const regions = await createCacheHelper('rocksdict', 'region', 'text', cacheOptions);
      await using places = await createCacheHelper('rocksdict', 'place', 'float', cacheOptions);
      await using days = await createCacheHelper('rocksdict', 'day', 'timestamp', cacheOptions);
      await cities.setSet('restaurants', [1, 5]);
      await regions.setSet('restaurants', ['NYC', "L'A"]);
      await places.setSet('restaurants', [40.7128, -0]);
      await days.setSet('restaurants', [new Date('2000-01-01T00:00:01Z')]);
      await cities.close();
      expect([...((await regions.get('restaurants')) ?? [])]).toEqual(["L'A", 'NYC']);
      expect([...((await places.get('restaurants')) ?? [])]).toEqual([0, 40.7128]);
      expect([...((await days.get('restaurants')) ?? [])]).toEqual([1_000_000n]);
      await regions.close();
      await regions.close();
    });

    test('without a connection, closed, of a datatype the store has not got, or of no sort', async () => {
      const alone = await createCacheHelper('memory', 'key', 'text');
      await expect(applyCache({ query: large, cacheHandler: alone })).rejects.toThrow(UnconnectedHelperError);
      await expect(getQueueLengths(alone)).rejects.toThrow(UnconnectedHelperError);
      await alone.close();
      await expect(alone.get('a')).rejects.toThrow(ClosedHelperError);
      await expect(alone.setSet('a', ['b'])).rejects.toThrow(ClosedHelperError);
      expect(() => alone.underlyingHandler).toThrow(ClosedHelperError);
      await expect(createCacheHelper('redis_bit', 'key', 'text')).rejects.toThrow(
        /rocksdict: integer, float, text/,
      );
      await expect(createCacheHelper('postgres_array' as 'memory', 'key', 'text')).rejects.toThrow(
        ConfigError,
      );
      const nowhere = { connection: 'postgresql://a@127.0.0.1:1/b', consistency: 'static' } as const;
      await expect(createCacheHelper('memory', 'key', 'text', nowhere)).rejects.toThrow(/127\.0\.0\.1/);
      const { connection } = database;
      await expect(createCacheHelper('memory', 'no_such_key', 'text', { connection })).rejects.toThrow(
        ConfigError,
      );
      await expect(
        applyCache({ query: large, cacheHandler: cache, method: 'MAGIC' as 'IN' }),
      ).rejects.toThrow(/TMP_TABLE_JOIN/);
      await expect(applyCache({ query: large, cacheHandler: cache, partitionKey: 'x' })).rejects.toThrow(
        TypeError,
      );
    });
  });
});
