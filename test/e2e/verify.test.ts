import { Client } from 'pg';
import { setUpCache, sql } from '../support/cache-in-database';
import type { ConnectionOptions } from '../support/postgres-server';
import { ProxiedDatabase } from '../support/proxied-database';
import { until } from '../support/until';

const question = `select id, region_id from place where name = 'Rome'`;

/** A cache in the database, and a control role that may become the clients'. */
async function prepare(connection: ConnectionOptions): Promise<void> {
  await setUpCache(connection);
  await sql(
    connection,
    `create role reader login password 'reader'; grant reader to pcache;
    grant select on place, visit to reader`,
  );
}

jest.setTimeout(120_000);

describe('mode: verify', () => {
  let database: ProxiedDatabase;
  beforeAll(async () => {
    const cache = { backend: 'postgresql_array' };
    const sections = { mode: 'verify', verify: { share: 1 } };
    database = await ProxiedDatabase.start({ cache, sections, prepare });
  });
  afterAll(() => database[Symbol.asyncDispose]());

  const reader = (): ConnectionOptions => ({ ...database.through, user: 'reader', password: 'reader' });
  const ask = (text: string): Promise<Record<string, unknown>[]> => sql(reader(), text);
  const count = async (outcome: string): Promise<number> =>
    (await database.metrics()).get(`pcache_verifications_total{outcome="${outcome}"}`) ?? 0;
  /** Until it was restricted, and that verified. */
  const untilVerified = async (text: string, outcome: string): Promise<void> => {
    const before = await count(outcome);
    await until(`verified as ${outcome}`, async () => {
      await ask(text);
      return (await count(outcome)) > before;
    });
  };

  test('both forms are run under the client’s role and settings, and have the same rows', async () => {
    await untilVerified(question, 'same');
    await untilVerified(`select count(*), sum(id::float8 / 3) from place where name = 'Rome'`, 'same');
    expect([await count('different'), await count('unstable')]).toEqual([0, 0]);
  });

  test('parameters are those of the client', async () => {
    const client = new Client(reader());
    await client.connect();
    const before = await count('same');
    await until('a statement with parameters was verified', async () => {
      const { rows } = await client.query('select id from place where name = $1', ['Rome']);
      expect(rows.length).toBeGreaterThan(0);
      return (await count('same')) > before;
    });
    await client.end();
  });

  test('what leaves a choice of rows is not compared', async () => {
    const all = async (): Promise<number> => (await count('same')) + (await count('unstable'));
    const hits = await database.hits();
    let before = NaN;
    await until('what came before has been verified', async () => {
      const earlier = before;
      before = await all();
      return before === earlier;
    });
    await until('they were restricted', async () => {
      await ask(`select id from place where name = 'Rome' limit 1`);
      await ask(`select array_agg(id) from place where name = 'Rome'`);
      await ask(`select id, row_number() over () from place where name = 'Rome'`);
      return (await database.hits()) >= hits + 3;
    });
    expect(await all()).toBe(before);
  });

  test('an entry that lacks keys is found out, given up and not used again', async () => {
    const expected = await sql(database.direct, `${question} order by id`);
    // Nothing of ours does such a thing: keys are taken out of what is stored, behind everybody’s back.
    await sql(
      database.direct,
      `update pcache.cache_entry set integers = integers[2:], key_count = key_count - 1 where key_count > 0`,
    );
    await database.restartProgram();
    await until('a difference was found', async () => {
      await ask(question);
      return (await count('different')) > 0;
    });
    const sorted = `${question} order by id`;
    await until('its entries are given up', async () => {
      const [row] = await sql(
        database.direct,
        `select count(*)::int from pcache.cache_entry where status = 'failed'`,
      );
      return Number(row?.['count']) > 0;
    });
    expect(await ask(question)).toHaveLength(expected.length);
    expect(await ask(sorted)).toEqual(expected);
    const [explained] = await ask(`explain (pcache) ${question}`);
    expect(Object.values(explained ?? {}).length).toBeGreaterThan(0);
    expect(JSON.stringify(await database.trouble())).toContain('a restricted statement has another result');
  });
});
