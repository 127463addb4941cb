import type { TrackedKey } from '../../../src/engine/database-engine';
import { createKeySet } from '../../../src/cache/key-sets/create-key-set';
import { EngineHarness, multiset } from '../../support/engine-harness';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';

/** By what is odd about them; region_id may be NULL, and is in rows of each. */
const queries = {
  'a block of one table': 'select * from place where population between 4 and 6',
  'two entries of one block': 'select * from place p where population > 4 and id < 700',
  'the key equated to another one':
    'select p.id, v.id from place p join visit v on v.region_id = p.region_id where p.population < 6 and v.guests < 9',
  'the key equated to a constant': 'select * from place where population between 4 and 6 and region_id = 5',
  'a left join':
    'select p.id, v.id from place p left join visit v on v.region_id = p.region_id and v.guests < 9 where p.population < 6',
  'no key at all': 'select * from place where population < 0',
} as const;

/**
 * An entry that is brought up to date does not notice a NULL key that newly qualifies (src/population/sources/in-place-run.ts): only keys in the
 * log are looked at again. So what an entry says of NULL may be wrong, and nothing may depend on it.
 */
describeVersions('what an entry says of NULL is of no account', (binaries) => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ binaries });
  });
  afterAll(() => server.stop());

  test.each([{ changeLog: trackingSchemaName }, {}])('for a key %j', async (freshness) => {
    await using database = await TrackedDatabase.open(
      server,
      `create table place (id int primary key, region_id int, population int);
       create table visit (id int primary key, region_id int, guests int);
       insert into place select i, i % 100, i from generate_series(1, 2000) as i;
       insert into visit select i, i % 100, i from generate_series(1, 2000) as i;
       analyze`,
    );
    await database.track({ 'public.place': 'region_id', 'public.visit': 'region_id' });
    const region: TrackedKey = {
      ...{ name: 'region', datatype: 'integer', maxKeyShare: 1, ...freshness },
      tables: new Map([
        ['public.place', 'region_id'],
        ['public.visit', 'region_id'],
      ]),
    };
    await using harness = await EngineHarness.open(database.connection, [region]);
    const fragments = [];
    for (const text of Object.values(queries)) fragments.push(...(await harness.learn(text)));
    const forms: string[] = [];
    for (const hasNullKey of [false, true]) {
      for (const { partitionKey, hash } of fragments) {
        const entry = await harness.backend.get(partitionKey, hash);
        if (entry?.keys === undefined) throw new Error('an entry has no keys');
        const keys = createKeySet('integer', entry.keys.values(), { hasNullKey });
        await harness.backend.put({ ...entry, keys, hasNullKey });
      }
      const plans = [];
      for (const text of Object.values(queries))
        plans.push({ ...(await harness.plan(text)), memo: undefined });
      forms.push(JSON.stringify(plans));
    }
    expect(forms[0]).toBe(forms[1]);
    // NULL keys that newly qualify, of data that is promised not to change as well: no entry tells.
    await database.client.query(
      `insert into place values (9001, null, 5), (9002, null, -1), (9003, null, 650);
       insert into visit values (9001, null, 5)`,
    );
    for (const text of Object.values(queries)) {
      const plan = await harness.plan(text);
      if (plan.kind !== 'rewrite') throw new Error(`not restricted: ${text}: ${JSON.stringify(plan)}`);
      expect(multiset(await harness.run(plan.text))).toEqual(multiset(await harness.run(text)));
    }
  });
});
