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
const town: TrackedKey = {
  name: 'town',
  datatype: 'text',
  maxKeyShare: 1,
  tables: new Map([
    ['public.place', 'town'],
    ['public.shop', 'town'],
  ]),
};

const schema = `
  create table region (region_id int primary key, name text not null);
  create table place (id int primary key, region_id int, town text, population int);
  create table shop (id int primary key, town text, size int);
  insert into region select i, 'r' || i from generate_series(1, 40) as i;
  insert into place select i, i % 40 + 1, nullif('t' || i % 23, 't7'), i * 7919 % 1000 from generate_series(1, 2000) as i;
  insert into shop select i, 't' || i % 29, i * 31 % 100 from generate_series(1, 300) as i;
  analyze;
`;

describe('a statement with several partition keys', () => {
  let server: PostgresServer;
  let harness: EngineHarness;

  beforeAll(async () => {
    server = await startPostgres();
    const database = await server.createDatabase();
    harness = await EngineHarness.open(server.connectionOptions(database), [region, town]);
    await harness.client.query(schema);
    await harness.refreshCatalog();
  });

  afterAll(async () => {
    await harness[Symbol.asyncDispose]();
    await server.stop();
  });

  /** How many restrictions the rewritten text has on each of the columns. */
  async function restrictionsOf(text: string): Promise<Readonly<Record<string, number>>> {
    const original = multiset(await harness.run(text));
    await harness.learn(text);
    const plan = await harness.plan(text);
    if (plan.kind !== 'rewrite') throw new Error(`not restricted: ${JSON.stringify(plan)}`);
    expect(multiset(await harness.run(plan.text))).toEqual(original);
    const inserted = plan.insertions.map((insertion) => insertion.text).join(' ');
    const count = (column: string): number =>
      [...inserted.matchAll(new RegExp(`"${column}" OPERATOR\\(pg_catalog\\.=\\) ANY`, 'g'))].length;
    return { region_id: count('region_id'), town: count('town') };
  }

  test('is restricted by each: two in one block, on one table', async () => {
    const restrictions = await restrictionsOf('select * from place where population < 10');
    expect(restrictions).toEqual({ region_id: 1, town: 1 });
  });

  test('is restricted by each: two in one block, over different tables', async () => {
    const restrictions = await restrictionsOf(
      `select p.id, s.id, r.name from place p join shop s on s.town = p.town join region r on r.region_id = p.region_id
       where p.population < 20 and s.size < 30 and r.name <> 'r3'`,
    );
    expect(restrictions['region_id']).toBeGreaterThan(0);
    expect(restrictions['town']).toBeGreaterThan(0);
  });

  test('is restricted by each: one in each of several blocks', async () => {
    const restrictions = await restrictionsOf(
      `with r as (select name from region where name < 'r2') select count(*), (select count(*) from shop s where s.size < 5) from r`,
    );
    expect(restrictions).toEqual({ region_id: 1, town: 1 });
  });

  test('is restricted by what is known if that is of one of them only', async () => {
    const text = 'select * from place where population between 40 and 60';
    const original = multiset(await harness.run(text));
    await harness.learn(text);
    await harness.forget(town);
    const plan = await harness.plan(text);
    if (plan.kind !== 'rewrite') throw new Error('not restricted');
    expect(plan.text).toContain('"region_id" OPERATOR');
    expect(plan.text).not.toContain('"town" OPERATOR');
    expect(multiset(await harness.run(plan.text))).toEqual(original);
  });

  test('is decided once: what its entries have in common is remembered until the cache changes', async () => {
    const text = 'select * from place where population < 30';
    await harness.learn(text);
    const plan = await harness.plan(text);
    expect(plan.kind).toBe('rewrite');
    expect(await harness.plan(text)).toBe(plan);
    await harness.learn('select * from shop where size < 3');
    expect(await harness.plan(text)).not.toBe(plan);
  });
});
