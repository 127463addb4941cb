import { Client, type ClientConfig, TypeOverrides } from 'pg';
import {
  applyCache,
  type CacheHelper,
  createCacheHelper,
  generateAllQueryHashPairs,
  getQueueLengths,
  populate,
  pushToOriginalQueryQueue,
  pushToQueryFragmentQueue,
} from '../../../src';
import { large, LibraryDatabase } from '../../support/library-database';

/** What programs do that nobody would advise, and what they get for it. */
describe('unusual calls of the library', () => {
  let database: LibraryDatabase;
  let cache: CacheHelper;
  const open = (): Promise<CacheHelper> =>
    createCacheHelper('memory', 'city_id', 'integer', {
      connection: database.connection,
      consistency: 'static',
    });

  beforeAll(async () => {
    database = await LibraryDatabase.open();
    cache = await open();
  });
  afterAll(async () => {
    await cache.close();
    await database[Symbol.asyncDispose]();
  });

  test('a session whose values are parsed in the program’s own way means the same', async () => {
    await database.learn(large, cache);
    const types = new TypeOverrides();
    for (const oid of [16, 20, 23, 25, 114, 1009]) types.setTypeParser(oid, (value) => `my ${value}`);
    const session = new Client({ ...database.connection, types });
    const binary = new Client({ ...database.connection, binary: true } as ClientConfig);
    const enhanced = await applyCache({ query: large, cacheHandler: cache, session: database.client });
    expect(enhanced.stats.enhanced).toBe(true);
    for (const client of [session, binary]) {
      await client.connect();
      const same = await applyCache({ query: large, cacheHandler: cache, session: client });
      await client.end();
      expect(same.query).toBe(enhanced.query);
    }
  });

  test.each([
    [{ timeoutMs: NaN }, 'timeoutMs: expected more than 0, got NaN'],
    [{ timeoutMs: 0 }, 'timeoutMs: expected more than 0, got 0'],
    [{ maxKeys: NaN }, 'maxKeys: expected 1 or more, got NaN'],
    [{ maxKeys: -1 }, 'maxKeys: expected 1 or more, got -1'],
  ])('refuses: limits that nothing keeps to, of which nothing is kept: %j', async (limits, message) => {
    const query = 'select id from poi where area > 1960';
    await expect(populate({ query, cacheHandler: cache, ...limits })).rejects.toThrow(message);
    const [pair] = await generateAllQueryHashPairs({ query, cacheHandler: cache });
    expect(await cache.getQuery(pair?.hash ?? '')).toBeUndefined();
  });

  test.each([
    { timeoutMs: Infinity },
    { timeoutMs: 2 ** 31 - 1 },
    { timeoutMs: 20_000.5 },
    { maxKeys: Infinity },
  ])('as much time, or as many keys, as there are: %j', async (limits) => {
    const query = 'select id from poi where area > 1961';
    const asked = { query, cacheHandler: cache, forceRecalculate: true };
    expect(await populate({ ...asked, ...limits })).toMatchObject([{ status: 'ok', error: undefined }]);
  });

  test('refuses: a priority that is no number, and fragments of another key', async () => {
    const before = await getQueueLengths(cache);
    const query = { query: large, cacheHandler: cache };
    for (const priority of [NaN, Infinity])
      await expect(pushToOriginalQueryQueue({ ...query, priority })).rejects.toThrow(
        /priority: expected a number/,
      );
    const [pair] = await generateAllQueryHashPairs(query);
    if (pair === undefined) throw new Error('there is no fragment');
    const other = { ...pair.fragment, partitionKey: 'region' };
    const push = (priority: number, fragment = pair.fragment): Promise<unknown> =>
      pushToQueryFragmentQueue({ queryHashPairs: [fragment], cacheHandler: cache, priority });
    await expect(push(NaN)).rejects.toThrow(TypeError);
    await expect(push(1, other)).rejects.toThrow('a fragment of region is none of city_id');
    expect(await getQueueLengths(cache)).toEqual(before);
  });

  test.each([{}, { connectionString: 'postgresql://a@b/c' }, { host: 'a', database: '', user: 'c' }])(
    'refuses: parts of a connection that say not where: %j',
    async (connection) => {
      const opened = createCacheHelper('memory', 'city_id', 'integer', { connection: connection as never });
      await expect(opened).rejects.toThrow(/connection: \w+ is missing/);
    },
  );

  test('what waits for a connection when the helper is closed ends with it', async () => {
    const helper = await open();
    const query = 'select id from poi where area > 1962';
    const waiting = [
      populate({ query, cacheHandler: helper }),
      ...Array.from({ length: 8 }, () => applyCache({ query, cacheHandler: helper })),
    ];
    await helper.close();
    const results = await Promise.allSettled(waiting);
    const reasons = results.flatMap((result) =>
      result.status === 'rejected' ? [String(result.reason)] : [],
    );
    expect(reasons.length).toBeGreaterThan(0);
    expect(reasons).not.toContainEqual(expect.stringContaining('timeout exceeded'));
  });
});
