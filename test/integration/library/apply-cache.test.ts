import { applyCache, type CacheHelper, createCacheHelper, generateAllQueryHashPairs } from '../../../src';
import { LibraryDatabase } from '../../support/library-database';

const parks = `
  select p.id, s.id from poi p join street s on p.city_id = s.city_id
   where p.type = 'park' and p.area > 1900 and s.name ilike '%main street%'`;

describe('applyCache', () => {
  let database: LibraryDatabase;
  let cache: CacheHelper;

  beforeAll(async () => {
    database = await LibraryDatabase.open();
    const { connection } = database;
    cache = await createCacheHelper('memory', 'city_id', 'integer', { connection, consistency: 'static' });
    for (const { query, hash } of await generateAllQueryHashPairs({ query: parks, cacheHandler: cache })) {
      const { rows } = await database.client.query<[number | null]>({ text: query, rowMode: 'array' });
      await cache.setSet(
        hash,
        rows.map(([key]) => key),
      );
    }
  });

  afterAll(async () => {
    await cache.close();
    await database[Symbol.asyncDispose]();
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
});
