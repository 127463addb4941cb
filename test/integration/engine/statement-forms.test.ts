import type { TrackedKey } from '../../../src/engine/database-engine';
import type { BoundParameters } from '../../../src/engine/engine';
import { EngineHarness } from '../../support/engine-harness';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';

const region: TrackedKey = {
  name: 'region',
  datatype: 'integer',
  maxKeyShare: 1,
  tables: new Map([['public.place', 'region_id']]),
};

const schema = `
  create table place (id int primary key, region_id int not null, kind text, population int);
  insert into place select i, i % 40, 'k' || i % 13, i * 7919 % 1000 from generate_series(1, 2000) as i;
  analyze;
`;

/** Text parameters of types the server finds out. */
function bound(...values: readonly (string | null)[]): BoundParameters {
  return {
    declaredOids: [],
    formats: [],
    values: values.map((value) => (value === null ? null : Buffer.from(value))),
  };
}

/** What is found out about one statement's form must not hide what is known of another statement of that form. */
describe('statements that differ in literals', () => {
  let server: PostgresServer;
  let harness: EngineHarness;

  beforeAll(async () => {
    server = await startPostgres();
    const database = await server.createDatabase();
    harness = await EngineHarness.open(server.connectionOptions(database), [region]);
    await harness.client.query(schema);
    await harness.refreshCatalog();
    await harness.learn(`select * from place where id < 3`);
  });

  afterAll(async () => {
    await harness[Symbol.asyncDispose]();
    await server.stop();
  });

  async function outcome(text: string, parameters?: BoundParameters): Promise<string> {
    const plan = await harness.plan(text, parameters);
    return plan.kind === 'forward' ? plan.reason : plan.kind;
  }

  test('are restricted each when its own fragment is known', async () => {
    for (const limit of [10, 20, 30]) {
      const text = `select * from place where population < ${limit} and kind <> 'k${limit}'`;
      expect(await outcome(text)).toBe('miss');
      expect(await outcome(text)).toBe('miss');
      await harness.learn(text);
      expect(await outcome(text)).toBe('rewrite');
    }
    expect(await outcome(`select * from place where population < 40 and kind <> 'k40'`)).toBe('miss');
    expect(await outcome(`select * from place where population < 10 and kind <> 'k10'`)).toBe('rewrite');
  });

  test('are restricted by a fragment learned from a statement of another form', async () => {
    const form = (limit: number): string => `select id from place p where p.population < ${limit} limit 5`;
    expect(await outcome(form(-5))).toBe('miss');
    expect(await outcome(form(57))).toBe('miss');
    await harness.learn(`select count(*) from place where 57 > population`);
    await harness.learn(`select count(*) from place where population < 57`);
    expect(await outcome(form(56))).toBe('miss');
    expect(await outcome(form(57))).toBe('rewrite');
  });

  test('that differ in parameters are restricted each when its own fragment is known', async () => {
    const text = 'select * from place where population > $1 and kind = $2';
    expect(await outcome(text, bound(null, 'k1'))).toBe('miss');
    expect(await outcome(text, bound('900', 'k1'))).toBe('miss');
    expect(await outcome(text, bound('900', 'k1'))).toBe('miss');
    await harness.learn(text, bound('900', 'k1'));
    expect(await outcome(text, bound('900', 'k1'))).toBe('rewrite');
    expect(await outcome(text, bound('901', 'k1'))).toBe('miss');
  });
});
