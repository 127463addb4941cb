import { regionKey, regionSchema, RuleBench, trackedKey } from '../../../support/rule-bench';

const key = trackedKey('region', 'integer', {
  ...Object.fromEntries(regionKey.tables),
  'public.parcel': 'region_id',
});

const schema = `${regionSchema}
  create table parcel (id int, region_id int, old_region_id int, region_id_2 int, "Region_Id" int, t1 int, size int);
  insert into parcel
    select i, i % 40 + 1, (i + 7) % 40 + 1, (i + 11) % 40 + 1, (i + 13) % 40 + 1, i % 3, i * 7919 % 1000 from generate_series(1, 2000) as i;
  create schema elsewhere;
  create table elsewhere.place (id int, region_id int, population int);
  insert into elsewhere.place select i, i % 7 + 1, 1 from generate_series(1, 50) as i;
  create function go_elsewhere() returns void language plpgsql as $$ begin set search_path = elsewhere, public; end $$;
  analyze;
`;

/** Names and texts a program that reads SQL as text would take for something else. */
describe('no row is lost by a name that misleads', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    [
      'aliases t1 and t2, exchanged, as fragments have them',
      `select t1.id, t2.id from place t2, parcel t1 where t1.region_id = t2.region_id and t2.population < 20 and t1.size < 20`,
    ],
    [
      'an alias p1, and one of another table’s name',
      `select p1.id, place.id from place p1, parcel place where p1.region_id = place.region_id and p1.population < 20 and place.size < 20`,
    ],
    ['a column named as an alias', `select t1.t1 from parcel t1 where t1.t1 = 2 and t1.size < 20`],
    [
      'a self-join with aliases that differ in case',
      `select a.id, "A".id from place a, place "A" where a.region_id = "A".region_id and a.population < 20 and "A".id < 100`,
    ],
  ])('applies: %s', async (_title, text) => {
    await bench.applies(text);
  });

  // The key's name is part of each of these, and none of them is the key.
  test.each([
    ['an equality of old_region_id', `a.old_region_id = b.region_id`],
    ['an equality of region_id_2', `a.region_id_2 = b.region_id`],
    ['an equality of "Region_Id"', `a."Region_Id" = b.region_id`],
  ])('loses no row: %s is none of the key', async (_title, equality) => {
    const text = `select a.id, b.id from parcel a, place b where ${equality} and a.size < 4 and b.population between 500 and 560`;
    const direct = await bench.outcome(text);
    expect(direct).toHaveProperty('rows.0');
    const { text: rewritten } = await bench.applies(text);
    // Each table has the keys of its own condition.
    expect(new Set(rewritten.match(/'\{[^']*\}'/g)).size).toBe(2);
    expect(rewritten).not.toMatch(/old_region_id" OPERATOR|region_id_2" OPERATOR|Region_Id" OPERATOR/);
  });

  test('applies: a fragment with one of them as a condition is another', async () => {
    const [one] = await bench.harness.learn(`select id from parcel where region_id < 5`);
    const [other] = await bench.harness.learn(`select id from parcel where old_region_id < 5`);
    expect(one?.hash).not.toBe(other?.hash);
  });

  test('applies: a text that equals what was made of another, with a comment inside', async () => {
    const text = `select id from place where population < 50`;
    const { text: made } = await bench.applies(text);
    const withComment = made
      .replace(' AND (', ' AND /* pcache */ (')
      .replace('where', '/* where */ where -- not\n');
    expect(await bench.outcome(withComment)).toEqual(await bench.outcome(text));
    await bench.applies(withComment);
    await bench.applies(made);
  });

  test('applies: an entry that is gone between decision and execution', async () => {
    const text = `select id from place where population < 40`;
    const plan = await bench.restricted(text);
    await bench.harness.forget(key);
    expect(await bench.outcome(plan.text)).toEqual(await bench.outcome(text));
    expect(await bench.harness.plan(text)).toMatchObject({ kind: 'forward' });
    await bench.applies(text);
  });

  describe('the search path', () => {
    const text = `select id from place where population < 10`;
    const elsewhere = `select id from elsewhere.place where population < 10`;

    beforeEach(async () => {
      await bench.harness.client.query('reset search_path');
      await bench.applies(text);
    });

    /** Whatever is sent for the text must give what the text gives. */
    async function expectRight(): Promise<void> {
      const plan = await bench.harness.plan(text);
      const direct = await bench.outcome(text);
      expect(plan.kind === 'rewrite' ? await bench.outcome(plan.text) : direct).toEqual(direct);
    }

    test('refuses: after it was changed in the session', async () => {
      await bench.harness.client.query('set search_path = elsewhere, public');
      expect(await bench.outcome(text)).toEqual(await bench.outcome(elsewhere));
      await bench.refuses(text, 'no partition key');
    });

    test('refuses: after a function changed it', async () => {
      await bench.harness.client.query('select go_elsewhere()');
      expect(await bench.outcome(text)).toEqual(await bench.outcome(elsewhere));
      await bench.refuses(text, 'no partition key');
    });

    test('applies again: after the transaction that changed it was rolled back', async () => {
      await bench.harness.client.query('begin; set search_path = elsewhere, public');
      await expectRight();
      expect(await bench.outcome(text)).toEqual(await bench.outcome(elsewhere));
      await bench.harness.client.query('rollback');
      await bench.applies(text);
    });

    test('refuses: as long as it is changed for a transaction, or up to a savepoint', async () => {
      await bench.harness.client.query('begin; set local search_path = elsewhere, public; savepoint s');
      await bench.refuses(text, 'no partition key');
      await bench.harness.client.query('set local search_path = public');
      await expectRight();
      await bench.harness.client.query('rollback to s');
      await bench.refuses(text, 'no partition key');
      await bench.harness.client.query('commit');
      await bench.applies(text);
    });
  });

  describe('conditions', () => {
    test.each([
      ['numbers above 10^6', `population * 1000000.0 < 20000000`],
      ['exponents', `lat < 1.5e1 and lat > 1.0E-1`],
      ['an exponent that is a column', `lat < 2e1 and population > 1e2`],
      ['a sum of distances', `abs(lat - 5) + abs(id - 3) < 10`],
      ['an OR of distances', `(abs(lat - 5) < 1 or abs(lat - 80) < 1)`],
      ['an OR that holds the key', `(region_id = 3 or population < 5)`],
      ['an AND in an OR that holds it', `((region_id = 3 and population < 500) or id < 5)`],
      ['NOT of the key', `not (region_id = 3) and population < 20`],
    ])('applies: %s', async (_title, condition) => {
      await bench.applies(`select id, region_id from place where ${condition}`);
    });

    test('applies: an OR of distances between two tables', async () => {
      await bench.applies(
        `select a.id, b.id from place a, parcel b where a.region_id = b.region_id and a.population < 60 and b.size < 60 and (abs(a.id - b.id) < 5 or abs(a.id - b.t1) < 5)`,
      );
    });

    test('loses no row: two distances, of which each is another fragment', async () => {
      const near = (distance: string): string => `select id from place where abs(lat - 5) < ${distance}`;
      await bench.applies(near('0.5'));
      await bench.applies(near('1e1'));
      await bench.applies(near('5'));
      await bench.applies(near('1e6'));
    });
  });
});
