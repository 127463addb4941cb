import { existsSync } from 'node:fs';
import { defaultFragmentOptions } from '../../../src/query/fragment/fragment-options';
import { EngineHarness, multiset } from '../../support/engine-harness';
import { RuleBench, trackedKey } from '../../support/rule-bench';

const key = trackedKey('city', 'integer', { 'public.place': 'city_id', 'public.street': 'city_id' });

const contribSchema = `
  create extension cube;
  create extension earthdistance;
  create table place (id int, city_id int not null, lat float8, lon float8, at cube, kind text);
  create table street (id int, city_id int not null, lat float8, lon float8, at cube, name text);
  insert into place
    select i, i % 50 + 1, 40 + i % 50 / 10.0 + i % 7 / 1000.0, 10 + i % 11 / 1000.0, cube(array[i % 50, i % 7]), 'k' || i % 5
      from generate_series(1, 1000) as i;
  insert into street
    select i, i % 50 + 1, 40 + i % 50 / 10.0 + i % 3 / 1000.0, 10 + i % 13 / 1000.0, cube(array[i % 50, i % 9]), 's' || i % 40
      from generate_series(1, 500) as i;
  analyze;
`;

const postgisSchema = `
  create extension postgis;
  create table place (id int, city_id int not null, kind text, geom geometry, geog geography);
  create table street (id int, city_id int not null, name text, geom geometry);
  insert into place
    select i, i % 50 + 1, 'k' || i % 5, st_setsrid(st_makepoint(i % 50 * 1000 + i % 17, i % 23), 3857), st_makepoint(i % 50, i % 23)::geography
      from generate_series(1, 1000) as i;
  insert into street
    select i, i % 50 + 1, 's' || i % 40, st_setsrid(st_makepoint(i % 50 * 1000 + i % 13, i % 29), 3857) from generate_series(1, 500) as i;
  analyze;
`;

const one = (condition: string): string => `select p.id from place p where ${condition}`;
const both = (condition: string): string =>
  `select p.id, s.id from place p, street s where p.city_id = s.city_id and ${condition}`;

describe('cube and earthdistance', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], contribSchema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    ['a distance', both(`p.at <-> s.at < 1 and s.name = 's7'`)],
    ['a distance from a constant', one(`p.at <-> '(7,3)' < 1.5`)],
    ['a distance from a cube that is made', one(`p.at <-> cube(array[7,3]) < 1.5`)],
    ['overlap and containment', one(`p.at && '(3,0),(5,2)' and p.at <@ cube_enlarge('(4,1)'::cube, 1.5, 2)`)],
    [
      'a distance on earth',
      both(`earth_distance(ll_to_earth(p.lat, p.lon), ll_to_earth(s.lat, s.lon)) < 300 and s.name = 's7'`),
    ],
    ['a box on earth', one(`earth_box(ll_to_earth(40.5, 10), 5000) @> ll_to_earth(p.lat, p.lon)`)],
    ['an OR of distances', one(`(p.at <-> '(7,3)' < 1.5 or p.at <-> '(9,3)' < 1.5)`)],
  ])('applies, and may raise: %s', async (_title, text) => {
    expect((await bench.applies(text)).mustRetryOnError).toBe(true);
    expect(await bench.outcome(text)).toHaveProperty('rows.0');
  });

  test('refuses: a distance that the session computes by a function of its own', async () => {
    await bench.define(`create schema mine;
      create function mine.cube_distance(cube, cube) returns float8 stable language sql as $$ select 0.0::float8 $$`);
    await bench.under(['set search_path = mine, public'], () =>
      bench.refuses(one(`cube_distance(p.at, '(7,3)') < 1`), 'miss'),
    );
    await bench.applies(one(`cube_distance(p.at, '(7,3)') < 1`));
  });
});

const hasPostgis = existsSync('/usr/share/postgresql/15/extension/postgis.control');
const postgis = hasPostgis ? describe : describe.skip;

postgis(`PostGIS${hasPostgis ? '' : ' (skipped: Debian’s postgresql-15-postgis-3 is not here)'}`, () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], postgisSchema, { binaries: 'debian15' });
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    ['ST_DWithin', both(`st_dwithin(p.geom, s.geom, 2) and s.name = 's7'`)],
    [
      'ST_DWithin of geographies, whose last argument has a default',
      one(`st_dwithin(p.geog, 'POINT(7 3)'::geography, 200000)`),
    ],
    ['ST_Distance', both(`st_distance(p.geom, s.geom) < 2 and s.name = 's7'`)],
    ['the distance operator', both(`p.geom <-> s.geom < 2 and s.name = 's7'`)],
    ['overlap of boxes', one(`p.geom && st_makeenvelope(3000, 0, 3010, 10, 3857)`)],
    ['ST_Intersects', both(`st_intersects(st_buffer(p.geom, 3), s.geom) and s.name = 's7'`)],
    [
      'ST_Contains, and coordinates',
      one(`st_contains(st_makeenvelope(3000, 0, 4010, 10, 3857), p.geom) and st_x(p.geom) > 3001`),
    ],
    ['a transformation', one(`st_x(st_transform(p.geom, 4326)) < 0.02`)],
    [
      'an OR of distances',
      one(
        `st_dwithin(p.geom, 'SRID=3857;POINT(7000 3)', 4) or st_dwithin(p.geom, 'SRID=3857;POINT(9000 3)', 4)`,
      ),
    ],
  ])('applies, and may raise: %s', async (_title, text) => {
    expect((await bench.applies(text)).mustRetryOnError).toBe(true);
    expect(await bench.outcome(text)).toHaveProperty('rows.0');
  });

  test('bucket_steps: ST_DWithin and distances of one step share what is known', async () => {
    const fragments = { ...defaultFragmentOptions, bucketSteps: '5' };
    const connection = bench.server.connectionOptions(bench.database);
    await using harness = await EngineHarness.open(connection, [{ ...key, fragments }]);
    const within = (distance: string): string =>
      both(`st_dwithin(p.geom, s.geom, ${distance}) and s.id < 20`);
    const learned = (await harness.learn(within('2'))).map(({ sql }) => sql).join();
    expect(learned).toMatch(/"st_dwithin"\(t\d\."geom", t\d\."geom", 5\)/);
    for (const distance of ['3', '4.5', '5', '1e0']) {
      const plan = await harness.plan(within(distance));
      expect([distance, plan.kind]).toEqual([distance, 'rewrite']);
      expect((await harness.learn(within(distance))).map(({ sql }) => sql).join()).toBe('');
      if (plan.kind === 'rewrite')
        expect(multiset(await harness.run(plan.text))).toEqual(multiset(await harness.run(within(distance))));
    }
    const others = [
      both(`not st_dwithin(p.geom, s.geom, 7) and s.id < 20`),
      one(`p.geom <-> 'SRID=3857;POINT(7000 3)' < 7`),
      one(`st_dwithin(p.geog, 'POINT(7 3)'::geography, 199999)`),
    ];
    for (const [i, expected] of [', 5)', '< 10)', ', 200000)'].entries())
      expect((await harness.learn(others[i] ?? '')).map(({ sql }) => sql).join()).toContain(expected);
  });
});
