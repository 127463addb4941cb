import { regionKey, regionSchema, RuleBench } from '../../../support/rule-bench';

/** Both bounds are known from elsewhere: the regions of one name, and those of a few places. Nothing else is learned. */
const named = `select region_id from region r where r.name = 'r3'`;
const small = `select region_id from place p where p.population < 5`;

/** The aliases of the tables that a text restricts by the key. */
function restricted(text: string): readonly string[] {
  const found = [...text.matchAll(/"(\w+)"\."region_id" OPERATOR\(pg_catalog\.=\) ANY|WHERE (FALSE)/g)];
  return [...new Set(found.map(([, alias]) => alias ?? 'FALSE'))].sort();
}

describe('keys that derived tables and CTEs hand on', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey], regionSchema);
    await bench.harness.learn(named);
    await bench.harness.learn(small);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  /** Plans with what is known, expects the same rows, and gives the tables that are restricted. */
  async function tablesRestricted(text: string): Promise<readonly string[]> {
    const plan = await bench.harness.plan(text);
    if (plan.kind !== 'rewrite') return [plan.kind === 'forward' ? plan.reason : plan.kind];
    expect(await bench.outcome(plan.text)).toEqual(await bench.outcome(text));
    expect(await bench.outcome(text)).not.toHaveProperty('error');
    return restricted(plan.text);
  }

  const where = `where r.name = 'r3'`;

  describe('applies: inward, from the block that reads it', () => {
    test.each([
      [
        'a CTE',
        `with x as (select region_id, kind from place q) select * from x join region r using (region_id) ${where}`,
      ],
      [
        'a materialized CTE',
        `with x as materialized (select region_id, kind from place q) select * from x, region r ${where} and x.region_id = r.region_id`,
      ],
      [
        'a derived table',
        `select * from (select region_id, kind from place q) x join region r on r.region_id = x.region_id ${where}`,
      ],
      [
        'by another name',
        `select * from (select q.region_id as k, kind from place q) x join region r on r.region_id = x.k ${where}`,
      ],
      [
        'columns renamed by an alias',
        `select * from (select kind, q.region_id from place q) x (a, b) join region r on r.region_id = x.b ${where}`,
      ],
      [
        'columns renamed by the CTE',
        `with x (a, b) as (select kind, q.region_id from place q) select * from x join region r on r.region_id = b ${where}`,
      ],
      ['a star', `select * from (select * from place q) x join region r using (region_id) ${where}`],
      [
        'a star renamed',
        `select * from (select * from place q) x (i, k) join region r on r.region_id = k ${where}`,
      ],
      [
        'a star of one table',
        `select * from (select q.*, n.text from place q, note n where n.place_id = q.id) x join region r using (region_id) ${where}`,
      ],
      [
        'GROUP BY',
        `with x as (select region_id, count(*) as n from place q group by region_id having count(*) > 2) select * from x natural join region r ${where}`,
      ],
      [
        'GROUP BY of more',
        `with x as (select region_id, kind, count(*) from place q group by 1, 2) select * from x join region r using (region_id) ${where}`,
      ],
      [
        'DISTINCT',
        `select * from (select distinct region_id, kind from place q) x join region r using (region_id) ${where}`,
      ],
      [
        'ORDER BY',
        `select * from (select region_id, kind from place q order by kind) x join region r using (region_id) ${where}`,
      ],
      [
        'rows that a function multiplies',
        `select * from (select region_id, generate_series(1, 2) from place q) x join region r using (region_id) ${where}`,
      ],
      [
        'two levels',
        `select * from (select d.k from (select region_id as k from place q) d) x join region r on r.region_id = x.k ${where}`,
      ],
      [
        'a column merged by USING',
        `select * from (select region_id from place q join place s using (region_id) where q.id < s.id) x join region r using (region_id) ${where}`,
      ],
      [
        'LATERAL',
        `select * from region r, lateral (select region_id, kind from place q where q.kind <> r.name) x ${where} and x.region_id = r.region_id`,
      ],
      [
        'through another derived table',
        `select * from (select region_id from region r ${where}) y join (select region_id from place q) x using (region_id)`,
      ],
    ])('%s', async (_title, text) => {
      expect(await tablesRestricted(text)).toEqual(expect.arrayContaining(['q', 'r']));
    });

    test.each([
      ['UNION ALL', 'union all'],
      ['UNION', 'union'],
      ['INTERSECT', 'intersect'],
      ['EXCEPT', 'except'],
      ['EXCEPT ALL', 'except all'],
    ])('%s, both branches', async (_title, operator) => {
      const text = `select * from (select region_id, id % 3 from place q ${operator} (select region_id, id % 2 from place s)) x join region r using (region_id) ${where}`;
      expect(await tablesRestricted(text)).toEqual(['q', 'r', 's']);
    });
  });

  describe('refuses: inward, where other rows would change', () => {
    test.each([
      [
        'LIMIT',
        `select * from (select region_id, id from place q order by id limit 50) x join region r using (region_id) ${where}`,
      ],
      [
        'OFFSET',
        `select * from (select region_id, id from place q order by id offset 3) x join region r using (region_id) ${where}`,
      ],
      [
        'LIMIT around it',
        `select * from (select * from (select region_id, id from place q) d order by id limit 50) x join region r using (region_id) ${where}`,
      ],
      [
        'LIMIT of a union',
        `select * from (select region_id, id from place q union select region_id, 0 from place s order by id limit 50) x join region r using (region_id) ${where}`,
      ],
      [
        'a window function',
        `select * from (select region_id, rank() over (order by id) from place q) x join region r using (region_id) ${where}`,
      ],
      [
        'one in ORDER BY',
        `select * from (select region_id from place q order by rank() over (order by id)) x join region r using (region_id) ${where}`,
      ],
      [
        'DISTINCT ON',
        `select * from (select distinct on (kind) kind, region_id from place q order by kind, id) x join region r using (region_id) ${where}`,
      ],
      [
        'ROLLUP',
        `select * from (select region_id, count(*) from place q group by rollup (region_id)) x join region r using (region_id) ${where}`,
      ],
      [
        'GROUPING SETS',
        `select * from (select region_id, grouping(kind), count(*) from place q group by grouping sets ((region_id), (region_id, kind), ())) x join region r using (region_id) ${where}`,
      ],
      [
        'a CTE that is used twice',
        `with x as (select region_id, population from place q) select * from x join region r using (region_id) ${where} and x.population > (select avg(population) from x)`,
      ],
      [
        'a CTE that another uses',
        `with x as (select region_id, population from place q), y as (select max(population) m from x) select * from x, y, region r ${where} and x.region_id = r.region_id`,
      ],
      [
        'the nullable side of a join',
        `select * from region r left join (select region_id, id from place q) x on x.region_id = r.region_id ${where}`,
      ],
      [
        'a FULL JOIN',
        `select * from region r full join (select region_id, id from place q) x on x.region_id = r.region_id and r.name = 'r3'`,
      ],
      [
        'an expression',
        `select * from (select region_id + 1 as k from place q) x join region r on r.region_id = x.k ${where}`,
      ],
      [
        'an expression of the name',
        `select * from (select id as region_id, region_id as id from place q) x join region r using (region_id) ${where}`,
      ],
      [
        'an aggregate',
        `select * from (select max(region_id) as k from place q) x join region r on r.region_id = x.k ${where}`,
      ],
      [
        'another comparison',
        `select * from (select region_id as k from place q) x join region r on r.region_id <= x.k ${where}`,
      ],
      [
        'a cast',
        `select * from (select region_id::int8 as k from place q) x join region r on r.region_id = x.k ${where}`,
      ],
      [
        'a union with another type',
        `select * from (select region_id as k from place q union all select 3::int8) x join region r on r.region_id = x.k ${where}`,
      ],
      [
        'an OR',
        `select * from (select region_id as k, id from place q) x, region r ${where} and (r.region_id = x.k or x.id < 3)`,
      ],
    ])('%s', async (_title, text) => {
      const tables = await tablesRestricted(text);
      expect(tables).not.toContain('q');
      expect(tables).not.toContain('s');
    });
  });

  describe('applies: outward, from the block that is read', () => {
    const inner = `from place p where p.population < 5`;

    test.each([
      ['a CTE', `with x as (select region_id ${inner}) select * from x join region t using (region_id)`],
      [
        'one that is used twice',
        `with x as (select region_id ${inner}) select * from x join region t using (region_id) where t.name < (select 'r' || max(region_id) from x)`,
      ],
      [
        'LIMIT',
        `select * from (select region_id, id ${inner} order by id limit 3) x join region t using (region_id)`,
      ],
      [
        'a window function',
        `select * from (select region_id, rank() over (order by id) ${inner}) x join region t using (region_id)`,
      ],
      [
        'ROLLUP',
        `select * from (select region_id, count(*) ${inner} group by rollup (region_id)) x join region t using (region_id)`,
      ],
      [
        'INTERSECT',
        `select * from (select region_id ${inner} intersect select region_id from place s) x join region t using (region_id)`,
      ],
      [
        'EXCEPT, its left branch',
        `select * from (select region_id ${inner} except select region_id from place s where s.kind = 'k1') x join region t using (region_id)`,
      ],
    ])('%s', async (_title, text) => {
      expect(await tablesRestricted(text)).toEqual(expect.arrayContaining(['p', 't']));
    });

    test('to and fro: what one derived table knows restricts another', async () => {
      const text = `select * from (select region_id ${inner}) x join (select region_id, name from region t) y using (region_id)`;
      expect(await tablesRestricted(text)).toEqual(['p', 't']);
    });
  });

  describe('refuses: outward, where the rows are also of others', () => {
    const inner = `from place p where p.population < 5`;

    test.each([
      [
        'UNION',
        `select * from (select region_id ${inner} union select region_id from place s where s.id < 50) x join region t using (region_id)`,
      ],
      [
        'EXCEPT, its right branch',
        `select * from (select region_id from place s except select region_id ${inner}) x join region t using (region_id)`,
      ],
      [
        'the nullable side of a join',
        `select * from region t left join (select region_id ${inner}) x using (region_id)`,
      ],
      [
        'the nullable side inside',
        `select * from (select p.region_id from note n left join place p on p.population < 5 and p.id = n.place_id) x right join region t using (region_id)`,
      ],
      [
        'another column',
        `select * from (select region_id, id ${inner}) x join region t on t.region_id = x.id`,
      ],
      [
        'a CTE of another scope',
        `with x as (select region_id ${inner}) select * from (with x as (select 3 as region_id) select * from x) y join region t using (region_id) where exists (select from x)`,
      ],
    ])('%s', async (_title, text) => {
      expect(await tablesRestricted(text)).not.toContain('t');
    });
  });
});
