import { regionKey, regionSchema, RuleBench } from '../../../support/rule-bench';

describe('rule S11: a restriction is no new error', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey], regionSchema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const text = `select id from place where population < 50`;

  test('applies: to a role that may read the table', async () => {
    await bench.define(`create role reader; grant select on place to reader`);
    await bench.applies(text);
    await bench.under(['set role reader'], () => bench.applies(text));
  });

  test('refuses: a table of which some role may read some columns, and perhaps not the key', async () => {
    await bench.define(`create role peeper; grant select (id, population) on place to peeper`);
    await bench.under(['set role peeper'], async () => {
      expect(await bench.outcome(text)).toHaveProperty('rows.0');
      await bench.refuses(text, 'column privileges');
    });
    await bench.define(`revoke select (id, population) on place from peeper`);
    await bench.applies(text);
  });

  test('refuses: two tables under one name, which no name in a restriction can tell apart', async () => {
    await bench.define(`create schema b; create table b.place (id int, region_id int, population int)`);
    await bench.refuses(
      `select 1 from public.place, b.place where public.place.population < 50`,
      'shape check',
    );
  });
});
