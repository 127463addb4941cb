import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as pcache from '../../../src';
import {
  type AppliedCache,
  applyCache,
  type CacheHelper,
  cleanQuery,
  ConfigError,
  createCacheHelper,
  type ExtendedQuery,
  extendQueryWithPartitionKeys,
  generateAllHashes,
  generateAllQueryHashPairs,
  getPartitionKeys,
} from '../../../src';
import { large, LibraryDatabase, parks } from '../../support/library-database';
import { silentLog } from '../../../src/library/silent-log';
import type { Log } from '../../../src/ops/log/log';

describe('queries and the library', () => {
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

  describe('applyCache', () => {
    beforeAll(async () => {
      await learn(parks);
      await learn(large);
    });

    test('restricts a query by what is known of it, and the rows are the same', async () => {
      const enhanced = await applyCache({ query: parks, cacheHandler: cache, partitionKey: 'city_id' });
      expect(enhanced.reason).toBeUndefined();
      expect(enhanced.stats).toEqual({
        generatedVariants: 2,
        cacheHits: 2,
        enhanced: true,
        p0Rewritten: false,
      });
      expect(enhanced.query).toContain('OPERATOR(pg_catalog.=) ANY');
      const rows = await database.rows(enhanced.query);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows).toEqual(await database.rows(parks));
    });

    test.each(['IN', 'VALUES', 'EXISTS', 'IN_SUBQUERY', 'TMP_TABLE_IN', 'TMP_TABLE_JOIN'] as const)(
      'restricts by method %s, twice in one session',
      async (method) => {
        for (let run = 0; run < 2; run++) {
          const { query, setup, teardown, reason } = await applyCache({
            ...{ query: `${parks} -- all\n;`, cacheHandler: cache.underlyingHandler, method },
            session: database.client,
          });
          expect(reason).toBeUndefined();
          expect(setup.length > 0).toBe(method.startsWith('TMP'));
          expect(teardown.length > 0).toBe(method.startsWith('TMP'));
          expect(await database.rows(query, setup.length)).toEqual(await database.rows(parks));
        }
      },
    );

    test('restricts the table that is asked for', async () => {
      const enhanced = await applyCache({ query: parks, cacheHandler: cache, p0Alias: 's' });
      expect(enhanced.stats.p0Rewritten).toBe(true);
      expect(enhanced.query).toContain('("s"."city_id" OPERATOR(pg_catalog.=) ANY');
      expect(await database.rows(enhanced.query)).toEqual(await database.rows(parks));
    });

    test('keeps rows without a key', async () => {
      const enhanced = await applyCache({ query: large, cacheHandler: cache });
      expect(enhanced.query).toContain('IS NULL');
      expect(await database.rows(enhanced.query)).toEqual(await database.rows(large));
    });

    test.each([
      ['select id from poi where', /cannot be parsed as SQL/],
      ['', /cannot be parsed as SQL/],
      ['select 1', /not a candidate/],
      [`update poi set area = 1 where area > 1980`, /not a candidate/],
      [`${large} for update`, /./],
      [`select id from poi p where area > 1980 and random() < 2`, /./],
      [`select id from poi p where 1 / area > 0 and area > 1980`, /may raise an error/],
      [`/* pcache: off */ ${large}`, /switched off/],
      [`select id from poi p where area > 1981`, /miss/],
      [`${large}\0`, /./],
    ])('leaves %j as it is, and says why', async (query, reason) => {
      const left = await applyCache({ query, cacheHandler: cache, method: 'TMP_TABLE_IN' });
      expect(left).toMatchObject({ query, statement: query, setup: [], stats: { enhanced: false } });
      expect(left.reason).toMatch(reason);
    });

    test('restricts what may raise an error for whoever runs the original then', async () => {
      const query = `select id from poi p where area > 1980 and 1 / (area + 1) >= 0`;
      const enhanced = await applyCache({ query, cacheHandler: cache, retriesOnError: true });
      expect(enhanced.reason).toBeUndefined();
    });

    test('a query means what it means in its session', async () => {
      await database.client.query('create temporary table poi (id integer, city_id integer, area integer)');
      const { session, ...asked } = { session: database.client, query: large, cacheHandler: cache };
      expect(await applyCache({ ...asked, session })).toMatchObject({
        query: large,
        stats: { enhanced: false },
      });
      await database.client.query('drop table pg_temp.poi');
      expect((await applyCache({ ...asked, session })).stats.enhanced).toBe(true);
    });
  });

  describe('keys that are given', () => {
    test('restrict the outermost SELECT only', async () => {
      const query = `select id from street s where (select count(*) from poi) > 100 and id < 500`;
      const extended = await extendQueryWithPartitionKeys({
        ...{ query, cacheHandler: cache, partitionKey: 'city_id', partitionKeys: [1, 5, 7n] },
      });
      expect(extended.reason).toBeUndefined();
      expect(await database.rows(extended.query)).toEqual(
        await database.rows(`${query} and city_id in (1, 5, 7)`),
      );
    });

    test.each(['IN', 'VALUES', 'TMP_TABLE_IN', 'TMP_TABLE_JOIN'] as const)('by method %s', async (method) => {
      const query = 'select s.id from street s join city c on c.city_id = s.city_id where s.x < 100';
      const extended = await extendQueryWithPartitionKeys({
        ...{ query, cacheHandler: cache, partitionKeys: new Set([3, 4]), method, p0Alias: 'c' },
      });
      expect(extended.query).toContain('"c"."city_id"');
      expect(await database.rows(extended.query, extended.setup.length)).toEqual(
        await database.rows(`${query} and s.city_id in (3, 4)`),
      );
    });

    test('none at all: no row, whatever the query asks for', async () => {
      const query = 'select id from street where x < 100';
      const extended = await extendQueryWithPartitionKeys({ query, cacheHandler: cache, partitionKeys: [] });
      expect(await database.rows(extended.query)).toEqual([]);
    });

    test.each([
      [
        'select p.id from poi p, street s where p.id = s.id',
        'tables that are not joined on the partition key',
      ],
      ['select id from poi union all select id from street', 'several outermost SELECTs'],
      ['select x.id from (select id from poi) as x', 'no partition key in the outermost SELECT'],
      ['select id from poi; select id from street', 'not a single statement'],
      ['select id from', /cannot be parsed/],
      ['select id from poi tablesample system (50)', /./],
    ])('cannot restrict %s', async (query, reason) => {
      const left = await extendQueryWithPartitionKeys({ query, cacheHandler: cache, partitionKeys: [1] });
      expect(left).toMatchObject({ query, reason: expect.stringMatching(reason) });
    });

    test('many, and at the ends of a type', async () => {
      const partitionKeys = Array.from({ length: 200_000 }, (_, i) => i + 10);
      const asked = { query: 'select id from street', cacheHandler: cache };
      const extended = await extendQueryWithPartitionKeys({ ...asked, partitionKeys });
      expect((await database.rows(extended.query)).length).toBe(2550);
      const ends = await extendQueryWithPartitionKeys({
        ...asked,
        partitionKeys: [2n ** 63n - 1n, -(2n ** 63n)],
      });
      expect(await database.rows(ends.query)).toEqual([]);
    });

    test.each([['1'], [1.5], [2n ** 63n], [new Date(0)], [Number.NaN]])('are no keys: %p', async (key) => {
      const asked = { query: 'select id from street', cacheHandler: cache, partitionKeys: [key] };
      await expect(extendQueryWithPartitionKeys(asked)).rejects.toThrow(TypeError);
      await expect(cache.setSet('name', [key])).rejects.toThrow(TypeError);
    });
  });

  test('getPartitionKeys gives what extendQueryWithPartitionKeys takes', async () => {
    await learn(parks);
    const found = await getPartitionKeys({ query: parks, cacheHandler: cache });
    expect(found).toMatchObject({ generatedVariants: 2, cacheHits: 2, reason: undefined });
    const { partitionKeys = [] } = found;
    const extended = await extendQueryWithPartitionKeys({ query: parks, cacheHandler: cache, partitionKeys });
    expect(await database.rows(extended.query)).toEqual(await database.rows(parks));
    const unknown = await getPartitionKeys({
      query: 'select id from street where x = 3',
      cacheHandler: cache,
    });
    expect(unknown).toMatchObject({ partitionKeys: undefined, cacheHits: 0, reason: 'miss' });
  });

  describe('fragments', () => {
    const star = `select 1 from poi p, street s, city p0
      where p.city_id = p0.city_id and s.city_id = p0.city_id and p.area > 5 and s.x > 7`;

    test('hashes do not depend on aliases, and depend on constants', async () => {
      const hashes = (query: string) => generateAllHashes({ query, cacheHandler: cache });
      expect(await hashes('select from poi a where a.area > 7')).toEqual(
        await hashes('select 1 from poi where area > 7'),
      );
      expect(await hashes('select from poi a where a.area > 7')).not.toEqual(
        await hashes('select 1 from poi where area > 8'),
      );
      expect(await hashes('no sql')).toEqual([]);
    });

    test.each([
      [{}, [2, 2]],
      [{ autoDetectPartitionJoin: false }, [1, 1]],
      [{ autoDetectStarJoin: false }, [1, 1]],
      [{ noAutoDetectStarJoin: true }, [1, 1]],
      [{ partitionJoinTable: 'p0', autoDetectPartitionJoin: false }, [2, 2]],
      [{ starJoinTable: 'city', noAutoDetectPartitionJoin: true }, [2, 2]],
      [{ followGraph: false }, [2, 2, 3]],
      [{ followGraph: false, minComponentSize: 3 }, [3]],
      [{ followGraph: false, maxComponentSize: 2 }, [2, 2]],
    ])('are those that %j says', async (settings, sizes) => {
      const pairs = await generateAllQueryHashPairs({ query: star, cacheHandler: cache, ...settings });
      expect(pairs.map(({ fragment }) => fragment.tables.length).sort()).toEqual(sizes);
    });

    test('a query without the partition key: the log names its columns, unless it is told not to', async () => {
      const said: unknown[] = [];
      const log: Log = { ...silentLog, warn: (...all: unknown[]) => void said.push(all), child: () => log };
      const { connection } = database;
      const own = await createCacheHelper('memory', 'city_id', 'integer', {
        ...{ connection, consistency: 'static', log },
      });
      const keyless = { query: 'select 1', cacheHandler: own };
      await applyCache({ ...keyless, noWarnPartitionKey: true });
      await applyCache({ ...keyless, warnNoPartitionKey: false });
      await generateAllHashes({ query: star, cacheHandler: own });
      expect(said).toEqual([]);
      await applyCache(keyless);
      expect(said).toEqual([
        [
          {
            partitionKey: 'city_id',
            columns: expect.arrayContaining(['public.poi.city_id', 'public.street.city_id']) as unknown,
          },
          'a query cannot be restricted by the partition key',
        ],
      ]);
      await own.close();
    });

    test('an option that there cannot be', async () => {
      const asked = { query: star, cacheHandler: cache, minComponentSize: 0 };
      await expect(generateAllHashes(asked)).rejects.toThrow(ConfigError);
      const both = { ...asked, minComponentSize: 1, starJoinTable: 'p0', partitionJoinTable: 'p0' };
      await expect(generateAllHashes(both)).rejects.toThrow(ConfigError);
    });
  });

  test.each([
    ['select  /* a */ 1 ; -- end', 'select 1'],
    [`select 'a'\n'b', "x  y"\nfrom t`, `select 'a'\n'b', "x  y" from t`],
    ['select 1 -- a\n + 2', 'select 1 + 2'],
    ['select 1; select  2;', 'select 1; select 2'],
    ['no  sql', 'no  sql'],
    ['', ''],
  ])('cleanQuery(%j)', async (query, cleaned) => {
    expect(await cleanQuery(query)).toBe(cleaned);
  });

  test('the example of README.md', async () => {
    const readme = readFileSync(join(__dirname, '../../../README.md'), 'utf8');
    const [, code = ''] = /### In a program[\s\S]*?```js\n([\s\S]*?)```/.exec(readme) ?? [];
    const [imported = ''] = /^import .*$/m.exec(code) ?? [];
    expect(imported).toContain("from 'pcache'");
    const names = imported.replace(/^import (.*) from 'pcache';$/, 'const $1 = pcache;');
    const text = `return (async () => { ${code.replace(imported, names)} return { enhanced, parks, schools, query }; })();`;
    // It is the example itself that is run.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const run = new Function('pcache', 'client', 'connection', text) as (...parts: unknown[]) => Promise<{
      readonly enhanced: AppliedCache;
      readonly schools: ExtendedQuery;
      readonly query: string;
    }>;
    const { enhanced, schools, query } = await run(pcache, database.client, database.connection);
    expect(enhanced.stats).toMatchObject({ enhanced: true });
    expect(schools.reason).toBeUndefined();
    expect(await database.rows(enhanced.query)).toEqual(await database.rows(query));
  });
});
