import { RuleBench, trackedKey } from '../../support/rule-bench';

const key = trackedKey('region', 'integer', { 'public.thing': 'region_id', 'public.other': 'region_id' });

const schema = `
  create type mood as enum ('sad', 'ok', 'happy');
  create table thing (
    id int primary key, region_id int not null, i2 int2, i4 int, i8 int8, f8 float8, num numeric, s text, vc varchar(9), ch char(4),
    flag bool, d date, ts timestamp, tz timestamptz, tm time, iv interval, u uuid, jb jsonb, j json, ia int[], ta text[],
    span int4range, days daterange, by bytea, net inet, mood mood, pt point);
  insert into thing
    select i, i % 50 + 1, i % 100, i, i * 1000000007::int8, i / 8.0, i / 4.0, 'k' || i % 97, 'v' || i % 89, 'c' || i % 83,
      nullif(i % 3, 2) = 1, date '2024-01-01' + i, timestamp '2024-01-01 00:00' + i * interval '1 hour',
      timestamptz '2024-01-01 00:00+00' + i * interval '1 hour', time '00:00' + i * interval '1 minute', i * interval '1 minute',
      lpad(i::text, 32, '0')::uuid, jsonb_build_object('n', i, 'name', 'k' || i % 97, 'tags', array['t' || i % 7], 'in', jsonb_build_object('deep', i % 61)),
      json_build_object('n', i), array[i % 13, i % 17], array['t' || i % 11], int4range(i, i + 3), daterange('2024-01-01', date '2024-01-01' + i),
      decode(lpad(to_hex(i), 4, '0'), 'hex'), ('10.0.' || i % 20 || '.1')::inet, (enum_range(null::mood))[i % 3 + 1], point(i, i % 10)
    from generate_series(1, 1000) as i;
  update thing set i4 = null, s = null where id % 50 = 0;
  create table other (id int primary key, region_id int not null, i4 int, f8 float8, s text, d date);
  insert into other select i, i % 50 + 1, i * 3, i / 2.0, 'k' || i % 101, date '2024-06-01' + i from generate_series(1, 300) as i;
  create table untracked (id int, i4 int);
  insert into untracked select i, i from generate_series(1, 30) as i;
  analyze;
`;

describe('every kind of conjunct restricts, on its own', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const alone = (condition: string): string => `select t.id from thing t where ${condition}`;

  test.each([
    ['a comparison', `t.i4 < 4`],
    ['a comparison, the other way round', `4 > t.i4`],
    ['a comparison of types', `t.i4 < 3.5 and t.f8 < t.i4`],
    ['BETWEEN', `t.i4 between 3 and 5`],
    ['NOT BETWEEN', `t.i4 not between 4 and 2000`],
    ['BETWEEN SYMMETRIC', `t.i4 between symmetric 5 and 3`],
    ['NOT BETWEEN SYMMETRIC', `t.i4 not between symmetric 2000 and 4`],
    ['IN', `t.i4 in (1, 2, 3)`],
    ['IN of several types', `t.num in (1, 2.25) and t.f8 in (0.5, 1, 2)`],
    ['IN with a column', `t.i4 in (1, t.i2)`],
    ['NOT IN', `t.s not in ('k1') and t.i4 < 5`],
    ['= ANY of an array', `t.i4 = any (array[1, 2])`],
    ['= ANY of a constant', `t.s = any ('{k1,k2}')`],
    ['= ANY of a column', `5 = any (t.ia)`],
    ['<> ALL', `t.i4 <> all ('{1,2}') and t.i4 < 5`],
    ['LIKE', `t.s like 'k1_'`],
    ['LIKE with an escape character', `t.s like 'k1#%' escape '#' or t.s like 'k#1' escape '#'`],
    ['ILIKE', `t.s ilike 'K1_'`],
    ['a regular expression', `t.s ~ '^k[12]$'`],
    ['SIMILAR TO', `t.s similar to 'k(1|2)'`],
    ['starts with', `t.s ^@ 'k1' and starts_with(t.s, 'k12')`],
    ['IS NULL', `t.s is null`],
    ['IS NOT NULL', `t.s is not null and t.i4 = 7`],
    ['IS TRUE', `t.flag is true and t.i4 < 9`],
    ['IS NOT FALSE, IS UNKNOWN', `t.flag is not false and t.flag is unknown and t.i4 < 9`],
    ['IS DISTINCT FROM', `t.i4 is distinct from 5 and t.i4 is not distinct from 6`],
    ['NOT', `not (t.i4 > 4)`],
    ['OR', `t.i4 = 4 or t.s = 'k9'`],
    ['a boolean column', `t.flag and t.i4 < 9`],
    ['casts', `t.i4::int8 = 5 or t.i4::text = '6' or t.i2::float8 = 7 or t.ts::date = '2024-01-02'`],
    ['casts with a length', `t.s::varchar(2) = 'k7' and t.num::numeric(10, 1) > 5`],
    ['functions of text', `upper(left(t.s, 2)) = 'K1' and length(t.s) = 2 and btrim(t.s) = 'k1'`],
    ['functions of numbers', `abs(t.f8 - 5) < 1 and round(t.num, 1) > 3 and floor(t.f8) = 5`],
    ['arithmetic', `t.i4 * 2 + 1 = 9 or t.f8 * 2 = 7 or t.num / 3 > 83`],
    ['a remainder', `t.i4 % 100 = 3`],
    ['bits', `t.i4 & 1023 = 3 and t.i4 << 1 = 6`],
    [
      'arrays',
      `t.ia @> array[5, 6] or t.ia @> '{12}' and t.ta && array['t3'] and t.ia[1] = 12 and cardinality(t.ia) = 2`,
    ],
    ['jsonb', `t.jb ->> 'name' = 'k5' and t.jb @> '{"name": "k5"}' and t.jb ? 'n' and t.jb -> 'n' < '300'`],
    [
      'jsonb, deep',
      `t.jb #>> '{in,deep}' = '5' and (t.jb -> 'in')['deep'] = '5' and (t.jb ->> 'n')::int > 100`,
    ],
    ['jsonpath', `t.jb @? '$.in.deep ? (@ == 7)'`],
    ['json', `(t.j ->> 'n')::int = 5`],
    ['ranges', `t.span @> 5 or t.span && '[9,10)' or t.span << int4range(2, 5)`],
    ['ranges of dates', `t.days @> date '2026-09-20' and not isempty(t.days)`],
    ['a comparison of rows', `(t.i4, t.s) = (5, 'k5')`],
    ['rows in order', `(t.i4, t.id) < (4, 100)`],
    ['IN of rows', `(t.i4, t.s) in ((5, 'k5'), (6, 'k6'), (7, 'k5'))`],
    ['a row that is NULL', `(t.i4, t.s) is null`],
    ['CASE', `case when t.i4 < 5 then t.s = 'k3' else t.i4 = 77 end`],
    ['CASE of a value', `case t.i4 when 1 then 'one' when 2 then 'two' end = 'two'`],
    ['COALESCE', `coalesce(t.s, 'none') = 'none' and coalesce(t.num, 0) > 3`],
    ['NULLIF', `nullif(t.i4, 5) = 6`],
    ['GREATEST and LEAST', `greatest(t.i4, t.i2) = 6 and least(t.f8, 3) < 2`],
    [
      'dates',
      `t.d between '2024-01-03' and '2024-01-05' or t.d + 1 = '2024-02-02' or t.d - date '2024-01-01' = 50`,
    ],
    [
      'dates with intervals',
      `t.ts >= timestamp '2024-01-02' - interval '1 hour' and t.ts < timestamp '2024-01-02' + interval '2' hour`,
    ],
    [
      'parts of dates',
      `extract(doy from t.d) = 5 and date_part('hour', t.ts) = 4 and date_trunc('day', t.ts) = '2024-01-01'`,
    ],
    ['AT TIME ZONE with a zone', `t.tz at time zone 'Europe/Rome' = '2024-01-01 03:00'`],
    ['times and intervals', `t.tm = '00:05' or t.iv = '7 minutes' or t.iv > interval '16' hour`],
    ['OVERLAPS', `(t.ts, interval '1 hour') overlaps (timestamp '2024-01-01 04:00', interval '1 hour')`],
    [
      'uuid, bytea, inet, an enum',
      `t.u = '00000000-0000-0000-0000-000000000005' or t.by = '\\x0006' or t.net << '10.0.7.0/24' and t.mood > 'ok' and t.i4 < 99`,
    ],
    ['COLLATE', `t.s collate "C" < 'k10' and t.s < 'k1x' collate "C"`],
    ['points', `t.pt <@ box '((3,0),(5,9))' or t.pt <-> point(10, 0) < 1`],
    ['the key', `t.region_id = 7`],
    ['IN of the key', `t.region_id in (7, 9) and t.i4 < 100`],
    ['BETWEEN of the key', `t.region_id between 7 and 9 and t.i4 < 100`],
  ])('applies: %s', async (_title, condition) => {
    await bench.applies(alone(condition));
    expect(await bench.outcome(alone(condition))).toHaveProperty('rows.0');
  });

  test.each([
    ['a difference', `abs(t.f8 - o.f8) < 0.1`],
    ['an OR over both', `t.i4 = 3 or o.i4 = 30`],
    ['a difference of dates', `t.d - o.d between -152 and -150`],
    ['an inequality', `t.i4 < o.i4 and o.i4 < 10`],
    ['COALESCE over both', `coalesce(t.s, o.s) = 'k7'`],
    ['a comparison of rows', `(t.i4, t.num) = (o.i4 - 2 * o.id, o.f8::numeric / 2)`],
  ])('applies to two tables: %s', async (_title, condition) => {
    const text = `select t.id, o.id from thing t join other o on o.region_id = t.region_id where ${condition}`;
    await bench.applies(text);
    expect(await bench.outcome(text)).toHaveProperty('rows.0');
  });

  test.each([
    ['a comparison with the time', `t.tz < now()`],
    ['a day that passes', `t.d <> 'today'`],
    ['IN of days that pass', `t.d not in ('2024-01-05', 'yesterday')`],
    ['ARRAY of them', `t.d <> all (array['tomorrow']::date[])`],
    ['CASE with one', `t.d = case when t.i4 = 1 then 'today' else t.d end`],
    ['a range of them', `t.days && '[now,infinity)'`],
    ['a point in time as a date, which depends on the zone', `t.tz::date = '2024-01-01'`],
    ['a part of it', `extract(hour from t.tz) = 5`],
    ['a timestamp compared with one', `t.ts < t.tz`],
    ['a timestamp taken as one', `age(t.ts, t.tz) < interval '1 day'`],
    ['a date as text', `t.d::text = '2024-01-05'`],
    ['concat, which writes them too', `concat(t.s, t.d) = 'x'`],
    ['a row as a whole', `t is not null`],
    ['a slice', `t.ia[1:1] = '{5}'`],
    ['a configuration of text search', `to_tsvector(t.s) @@ 'k1'::tsquery`],
  ])('refuses: %s', async (_title, condition) => {
    await bench.refuses(alone(condition), 'miss');
  });

  describe('parameters', () => {
    const int4 = (n: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(n);
      return bytes;
    };

    test.each([
      ['an integer in text', `t.i4 < $1`, ['4']],
      ['an integer in binary', `t.i4 < $1`, [int4(4)]],
      ['in IN', `t.i4 in ($1, $2)`, ['4', int4(5)]],
      ['an array', `t.i4 = any ($1)`, ['{4,5}']],
      ['a pattern', `t.s like $1`, ['k1_']],
      ['in a function', `left(t.s, $1) = $2`, ['2', 'k1']],
      ['an interval', `t.ts < timestamp '2024-01-01' + $1`, ['3 hours']],
      ['in a row', `(t.i4, t.s) = ($1, $2)`, ['5', 'k5']],
      ['in jsonb', `t.jb @> $1`, ['{"name": "k5"}']],
    ])('applies: %s', async (_title, condition, values) => {
      await bench.applies(alone(condition), values);
      expect(await bench.outcome(alone(condition), values)).toHaveProperty('rows.0');
    });

    test.each([
      ['an int8 in binary, of a constant', `t.i8 = 7000000049`, `t.i8 = $1`, '7000000049'],
      ['text, of a constant', `t.s = 'k5'`, `t.s = $1`, 'k5'],
      ['a date, of a constant with its type', `t.d = date '2024-01-05'`, `t.d = $1`, '2024-01-05'],
      ['a number, of one that is written otherwise', `t.num = 2.250`, `t.num = $1`, '2.25'],
      ['an array, of a constant', `t.i4 = any ('{1,2}')`, `t.i4 = any ($1)`, '{1,2}'],
    ])('applies: one fragment for %s', async (_title, constant, parameter, value) => {
      await bench.harness.forget(key);
      await bench.harness.learn(alone(constant));
      const bound = { declaredOids: [], formats: [0], values: [Buffer.from(value)] };
      expect(await bench.harness.plan(alone(parameter), bound)).toMatchObject({ kind: 'rewrite' });
    });
  });

  describe('a condition on the key', () => {
    const withKey = `select t.id from thing t where t.i4 < 30 and t.region_id in (3, 7, 9)`;
    const without = `select t.id from thing t where t.i4 < 30`;

    beforeEach(() => bench.harness.forget(key));

    test('applies: what was learned without it serves the statement with it', async () => {
      await bench.harness.learn(without);
      const plan = await bench.harness.plan(withKey);
      expect(plan).toMatchObject({ kind: 'rewrite' });
      if (plan.kind === 'rewrite')
        expect(await bench.outcome(plan.text)).toEqual(await bench.outcome(withKey));
    });

    test('applies: the statement with it is learned from both ways', async () => {
      await bench.harness.learn(withKey);
      for (const text of [without, withKey, `${without} and t.region_id = 3`]) {
        const plan = await bench.harness.plan(text);
        expect(plan).toMatchObject({ kind: 'rewrite' });
        if (plan.kind === 'rewrite')
          expect(await bench.outcome(plan.text)).toEqual(await bench.outcome(text));
      }
    });

    test('applies: an entry with it does not serve a statement without it', async () => {
      const [fragment] = await bench.harness.learn(withKey);
      expect(fragment?.conjuncts).toHaveLength(2);
      await bench.applies(without);
    });

    test.each([
      ['the other table’s key', `t.region_id = o.region_id and o.region_id in (7, 3, 9)`],
      ['each key, by a constant', `t.region_id = o.region_id and t.region_id in (9, 3, 7, 3)`],
      ['JOIN … USING', undefined],
    ])('applies: one fragment for a condition on %s', async (_title, condition) => {
      const one = await bench.harness.learn(
        `select t.id from thing t, other o where t.region_id = o.region_id and t.region_id in (3, 7, 9) and t.i4 < 30 and o.i4 < 90`,
      );
      const text =
        condition === undefined
          ? `select t.id from thing t join other o using (region_id) where o.region_id in (3, 7, 9) and t.i4 < 30 and o.i4 < 90`
          : `select t.id from thing t, other o where ${condition} and t.i4 < 30 and o.i4 < 90`;
      const plan = await bench.harness.plan(text);
      expect(plan).toMatchObject({ kind: 'rewrite' });
      expect(await bench.harness.learn(text)).toEqual([]);
      expect(one).toHaveLength(4);
    });
  });
});
