import { regionKey, regionSchema, RuleBench, trackedKey } from '../../../support/rule-bench';
import { describeVersions } from '../../../support/postgres-versions';

const key = trackedKey('region', 'integer', {
  ...Object.fromEntries(regionKey.tables),
  ...Object.fromEntries(
    ['parent', 'parted', 'gen', 'dom', 'alt'].map((name) => [`public.${name}`, 'region_id']),
  ),
});

const schema = `${regionSchema}
  create table parent (id int, region_id int, v int);
  create table child (extra int) inherits (parent);
  create table parted (id int, region_id int not null, v int) partition by hash (region_id);
  create table parted_0 partition of parted for values with (modulus 2, remainder 0);
  create table parted_1 partition of parted for values with (modulus 2, remainder 1);
  create domain region_no as int check (value > 0);
  create table dom (id int, region_id region_no, v int);
  create table gen (id int, region_id int generated always as (id % 40 + 1) stored, v int);
  create table alt (region_id int, region_id_2 int, v int);
  insert into parent select i, i % 40 + 1, i % 50 from generate_series(1, 400) as i;
  insert into child select * from parent;
  insert into parted select * from only parent;
  insert into dom select * from only parent;
  insert into gen (id, v) select id, v from only parent;
  insert into alt select region_id, id % 30, v from only parent union all select null, 1, 1;
  create function odd(int) returns setof int immutable language sql as $$ select $1 where $1 % 2 = 1 $$;
  create function fortieth(place) returns int immutable language sql as $$ select $1.id % 40 $$;
  create schema mine;
  create function mine.lt(int, int) returns boolean immutable language sql
    as $$ select $1 operator(pg_catalog.>=) $2 $$;
  create operator mine.< (leftarg = int, rightarg = int, function = mine.lt);
  create function mine.eq(int, int) returns boolean immutable language sql
    as $$ select $1 operator(pg_catalog.+) 1 operator(pg_catalog.=) $2 $$;
  create operator mine.= (leftarg = int, rightarg = int, function = mine.eq);
  analyze;
`;

/** Few places, of few regions. */
const few = 'p.population < 30';

/** Clauses that say what becomes of the rows, or where more of them come from, as the manual's chapter "SELECT" has them. */
describeVersions('what stands around a block', (binaries) => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([key], schema, { binaries });
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    // Aggregates have a row also where there is none to aggregate.
    ['no row, grouped by nothing', `select count(*) from place p where ${few} and kind = 'zz' group by ()`],
    [
      'GROUPING SETS, one of them empty',
      `select kind, count(*) from place p where ${few} and kind = 'zz' group by grouping sets ((kind), ())`,
    ],
    [
      'ROLLUP',
      `select kind, region_id, count(*), grouping(kind, region_id) from place p where ${few} group by rollup (kind, region_id)`,
    ],
    ['CUBE', `select kind, count(*) from place p where ${few} and kind = 'zz' group by cube (kind)`],
    ['HAVING without GROUP BY', `select 1 from place p where ${few} and kind = 'zz' having true`],
    [
      'FILTER',
      `select count(*) filter (where id > 5), count(*) filter (where kind = 'k1') from place p where ${few}`,
    ],
    ['an ordered-set aggregate', `select mode() within group (order by kind) from place p where ${few}`],
    ['LIMIT, OFFSET', `select id from place p where ${few} order by kind, id limit 5 offset 2`],
    ['FETCH WITH TIES', `select kind from place p where ${few} order by kind fetch first 3 rows with ties`],
    [
      'a LIMIT that is computed',
      `select id from place p where ${few} order by id limit (select min(region_id) + 3 from region)`,
    ],
    [
      'DISTINCT ON',
      `select distinct on (region_id) region_id, id from place p where ${few} order by region_id, id desc`,
    ],
    [
      'windows',
      `select id, rank() over w, sum(population) over (order by id rows 1 preceding) from place p where ${few} window w as (partition by region_id order by id)`,
    ],
    [
      'a window over aggregates',
      `select kind, sum(sum(population)) over () from place p where ${few} group by kind`,
    ],
    [
      'a function of many rows in the select list',
      `select p.id, odd(p.id), generate_series(1, 2) from place p where ${few}`,
    ],
    [
      'ROWS FROM',
      `select p.id, m.* from place p, rows from (odd(p.id), generate_series(1, 2)) with ordinality as m(a, b, n) where ${few}`,
    ],
    [
      'a correlated EXISTS',
      `select id from place p where ${few} and not exists (select from region r where r.region_id = p.region_id and r.name < 'r3')`,
    ],
    [
      'NOT IN',
      `select id from place p where region_id not in (select region_id from region where name < 'r3') and ${few}`,
    ],
    [
      'ALL',
      `select id from place p where id > all (select weight from note n where n.place_id = p.id) and ${few}`,
    ],
    [
      'a correlated sub-select in the select list',
      `select r.name, (select max(p.id) from place p where p.region_id = r.region_id and ${few}) from region r`,
    ],
    ['ARRAY', `select array(select id from place p where ${few} order by id)`],
    [
      'LATERAL with a LIMIT',
      `select r.name, l.id from region r left join lateral (select p.id from place p where p.region_id = r.region_id and ${few} order by id limit 1) l on true`,
    ],
    [
      'LATERAL with an aggregate',
      `select r.name, l.* from region r, lateral (select count(*), sum(p.id) from place p where p.region_id = r.region_id and ${few}) l`,
    ],
    ['VALUES', `values (1, (select count(*) from place p where ${few})), (2, 3)`],
    [
      'a join with VALUES',
      `select * from (values (5), (6)) v(k) join place p on p.region_id = v.k where ${few}`,
    ],
    ['NATURAL JOIN', `select * from place p natural join region r where ${few}`],
    [
      'JOIN USING with an alias',
      `select j.region_id, p.id from place p join region r using (region_id) as j where ${few}`,
    ],
    [
      'a join that reads one key and another column',
      `select p.id, a.v from place p join alt a on p.region_id = a.region_id_2 where ${few} and a.v < 3`,
    ],
    [
      'IS NOT DISTINCT FROM between keys',
      `select p.id, a.v from place p join alt a on p.region_id is not distinct from a.region_id where ${few} and a.v < 3`,
    ],
    [
      'an equality of keys, IS TRUE',
      `select p.id, q.id from place p, place q where (p.region_id = q.region_id) is true and ${few} and q.population < 20`,
    ],
    [
      'an equality of keys in an OR',
      `select p.id, q.id from place p, place q where (p.region_id = q.region_id or p.id = 7) and ${few} and q.population < 20`,
    ],
    [
      'INTERSECT with a LIMIT',
      `select region_id from place p where ${few} intersect select region_id from region where name < 'r3' order by 1 limit 4`,
    ],
    [
      'EXCEPT ALL',
      `select region_id from place p where ${few} except all select region_id from region where name < 'r3'`,
    ],
    [
      'a domain over the key',
      `select p.id, d.id from place p join dom d using (region_id) where ${few} and d.v = 3`,
    ],
    ['a generated key', `select id from gen where v = 3`],
    ['a table and what inherits from it', `select id, tableoid::regclass from parent where v = 3`],
    [
      'ONLY, and not',
      `select p.id, o.id from parent p join only parent o using (region_id) where p.v = 3 and o.v = 13`,
    ],
    ['partitions', `select q.id from parted q join place p using (region_id) where q.v = 3 and ${few}`],
    ['system columns', `select ctid is null, tableoid = 'place'::regclass, id from place p where ${few}`],
    ['whole rows', `select p, (p).*, row_to_json(p), p.fortieth from place p where ${few}`],
    ['a NULL in a list of keys', `select id from place p where region_id in (5, null) and ${few}`],
    [
      'a list of keys that are none, with a NULL',
      `select id from place p where region_id <> all (array[5, null])`,
    ],
    [
      'a key that is compared as another type',
      `select id from place p where region_id = 5.0 and region_id::text = '5' and ${few}`,
    ],
    [
      'a condition IS NOT TRUE',
      `select id from place p where (${few}) is not true and id < 60 and kind = 'k1'`,
    ],
  ])('applies: %s', async (_title, text) => {
    await bench.applies(text);
  });

  test.each([
    [
      'SEARCH and CYCLE',
      'recursive CTE',
      `with recursive t as (select id from place p where ${few} union all select p.id from place p join t on p.id = t.id + 1 and p.id < 9) search depth first by id set o cycle id set c using path select id from t`,
    ],
    ['TABLESAMPLE', 'tablesample', `select id from place p tablesample bernoulli (100) where ${few}`],
    [
      'a locking clause in a derived table',
      'locking clause',
      `select x.id from (select id from place p where ${few} for share) x`,
    ],
    [
      'a CTE that inserts',
      'data-modifying CTE',
      `with c as (insert into note select 100000, 1, 'x', 1 where false returning id) select p.id from place p where ${few} and not exists (select from c)`,
    ],
    [
      'FULL JOIN',
      'outer join',
      `select p.id, r.name from place p full join region r using (region_id) where region_id = 5`,
    ],
    [
      'a join that is renamed as a whole',
      'renamed by an alias',
      `select j.region_id from (place p join region r using (region_id)) as j where population < 30`,
    ],
    [
      'a volatile function in ORDER BY',
      'volatile function',
      `select id from place p where ${few} order by random()`,
    ],
  ])('refuses: %s', async (_title, reason, text) => {
    await bench.refuses(text, reason);
  });

  describe('operators of the session that come before PostgreSQL’s mean their own', () => {
    test.each([
      ['the one that is hidden', `select id from place p where p.population < 990`],
      // Written as 5 < …, it would be that of the session.
      ['the mirror image of the hidden one', `select id from place p where p.population > 990 and p.id > 5`],
      ['the same of BETWEEN', `select id from place p where p.population between 990 and 995`],
      ['the same of rows', `select id from place p where (p.population, p.id) > (990, 5)`],
      [
        'an equality of keys that is none',
        `select p.id from place p, region r where p.region_id = r.region_id and p.population > 990 and r.name < 'r2'`,
      ],
    ])('loses no row: %s', async (_title, text) => {
      await bench.under(['set search_path = mine, pg_catalog, public'], async () => {
        const direct = await bench.outcome(text);
        expect(direct).toHaveProperty('rows.0');
        await bench.harness.learn(text, undefined, 'note');
        const plan = await bench.harness.plan(text);
        if (plan.kind === 'rewrite') expect(await bench.outcome(plan.text)).toEqual(direct);
      });
    });

    test('applies: to the conditions that are PostgreSQL’s', async () => {
      await bench.under(['set search_path = mine, pg_catalog, public'], async () => {
        const { text } = await bench.applies(`select id from place p where p.population > 990`);
        expect(text).toContain('OPERATOR(pg_catalog.=)');
      });
    });
  });
});
