import type { TrackedKey } from '../../../src/engine/database-engine';
import { EngineHarness, multiset } from '../../support/engine-harness';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';

const region: TrackedKey = {
  name: 'region',
  datatype: 'integer',
  maxKeyShare: 1,
  tables: new Map([
    ['public.place', 'region_id'],
    ['public.region', 'region_id'],
  ]),
};

const schema = `
  create table region (region_id int primary key, name text not null);
  create table place (id int primary key, region_id int, kind text, population int, lat float8);
  create table other (id int primary key, place_id int, note text);
  insert into region select i, 'r' || i from generate_series(1, 40) as i;
  insert into place
    select i, case when i % 17 = 0 then null else i % 40 + 1 end, 'k' || i % 13, i * 7919 % 1000, i % 90 from generate_series(1, 2000) as i;
  insert into other select i, i * 3, 'n' || i % 5 from generate_series(1, 500) as i;
  analyze;
`;

describe('a learned statement', () => {
  let server: PostgresServer;
  let harness: EngineHarness;

  beforeAll(async () => {
    server = await startPostgres();
    const database = await server.createDatabase();
    harness = await EngineHarness.open(server.connectionOptions(database), [region]);
    await harness.client.query(schema);
    await harness.refreshCatalog();
  });

  afterAll(async () => {
    await harness[Symbol.asyncDispose]();
    await server.stop();
  });

  test.each([
    ['one table', `select * from place where population < 10`],
    [
      'one table without alias, qualified',
      `select id from public.place where place.population < 10 and public.place.kind <> 'k1'`,
    ],
    [
      'a comma join',
      `select a.id, b.id from place a, place b where a.region_id = b.region_id and a.population < 20 and b.kind = 'k1'`,
    ],
    [
      'JOIN … ON',
      `select a.id, b.id from place a join place b on a.region_id = b.region_id and a.population < 20 where b.kind = 'k1'`,
    ],
    ['JOIN … USING', `select count(*) from place a join region r using (region_id) where a.population < 20`],
    [
      'a partition-join table',
      `select r.name, count(*) from place a, region r, place b where a.region_id = r.region_id and b.region_id = r.region_id and a.population < 5 and b.population > 995 group by r.name`,
    ],
    [
      'the preserved side of an outer join',
      `select a.id, o.note from place a left join other o on o.place_id = a.id where a.population < 10`,
    ],
    [
      'a CTE',
      `with c as (select * from place where population < 10) select * from c join region r on r.region_id = c.region_id`,
    ],
    [
      'a derived table',
      `select * from (select region_id, count(*) n from place where population < 10 group by region_id) d where n > 0`,
    ],
    [
      'both branches of a UNION',
      `select id from place where population < 5 union all select id from place where population > 996`,
    ],
    [
      'a sub-select',
      `select name from region r where exists (select 1 from place p where p.region_id = r.region_id and p.population < 5)`,
    ],
    [
      'an IN sub-select',
      `select name from region r where region_id in (select region_id from place p where p.population < 5)`,
    ],
    ['conditions that may raise', `select a.id from place a where 100 / (a.population + 1) > 50`],
    ['an empty result', `select * from place where population < -1`],
    ['a trailing comment', `select * from place where population < 10 -- ten`],
  ])('returns the same rows: %s', async (_title, text) => {
    const direct = multiset(await harness.run(text));
    await harness.learn(text);
    const plan = await harness.plan(text);
    expect(plan).toMatchObject({ kind: 'rewrite' });
    if (plan.kind === 'rewrite') expect(multiset(await harness.run(plan.text))).toEqual(direct);
  });
});
