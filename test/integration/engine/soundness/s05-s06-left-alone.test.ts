import { regionKey, regionSchema, RuleBench } from '../../../support/rule-bench';

const schema = `${regionSchema}
  create sequence calls;
  create function noisy(int) returns boolean language sql as $$ select nextval('calls') is not null $$;
  create function steady(int) returns boolean stable language sql as $$ select $1 > 5 $$;
  create function fixed(int) returns boolean immutable language sql as $$ select $1 > 5 $$;
  create function noisy_row(place) returns boolean language sql as $$ select nextval('calls') is not null $$;
  create function noisy_compare(int4, int8) returns boolean language sql as $$ select nextval('calls') is not null $$;
  create function noisy_equal(int2, int2) returns boolean language sql as $$ select nextval('calls') is not null $$;
  create schema odd;
  create operator odd.#### (leftarg = int4, rightarg = int8, function = noisy_compare);
  create operator odd.>= (leftarg = int4, rightarg = int8, function = noisy_compare);
  create operator odd.= (leftarg = int2, rightarg = int2, function = noisy_equal);
  create function noisy_step(int, int) returns int language sql as $$ select nextval('calls')::int $$;
  create aggregate noisy_sum(int) (sfunc = noisy_step, stype = int, initcond = '0');
  create domain checked as int check (noisy(value));
  create domain plain as int;
  create type mood as enum ('sad', 'ok', 'happy');
  create type pair as (a int, b int);
  alter table place add column mood mood default 'ok', add column size plain default 3, add column span int4range default '[1,5)',
    add column pair pair default row(1, 2), add column seen timestamptz default now(), add column at timetz default '10:00+01';
  create view small_place as select * from place where population < 50;
  create view noisy_view as select id, noisy(id) from note;
  create materialized view copied as select * from note;
  create table secret (id int, place_id int);
  alter table secret enable row level security;
  create extension file_fdw;
  create server files foreign data wrapper file_fdw;
  create foreign table far (id int) server files options (filename '/dev/null');
  analyze;
`;

describe('rules S5 and S6: what is left out, and what is left alone', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey], schema);
    await bench.applies(`select id from place where population < 50`);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const where = (condition: string): string =>
    `select id from place p where population < 50 and ${condition}`;

  // The other condition restricts; this one is in no fragment.
  test.each([
    ['now()', where(`seen <= now()`)],
    ['CURRENT_DATE', where(`seen <= current_date + 1`)],
    ['CURRENT_USER', where(`kind <> current_user`)],
    ['current_setting()', where(`kind <> current_setting('work_mem')`)],
    ['a stable function', where(`steady(id)`)],
    ['a constant that is the current time', where(`seen < 'tomorrow'`)],
    ['the same, cast', where(`seen <= 'now'::timestamptz`)],
    ['the same in an array', where(`seen = any ('{today,tomorrow}'::timestamptz[])`)],
    ['the same in disguise', where(`seen = any ('{"to\\day",to\\morrow}'::timestamptz[])`)],
    ['the same as a bound', where(`seen < upper('["2000-01-01","tomor"row)'::tstzrange)`)],
    ['the name of a relation', where(`'place'::regclass is not null`)],
    ['a system column', where(`p.ctid is not null and p.tableoid = 'place'::regclass`)],
    ['a whole row', where(`p is not null and p.* is distinct from null`)],
    ['a sub-select', where(`id in (select place_id from note)`)],
    ['a constant of timetz', where(`at = '10:00+01'`)],
    ['timestamptz as text', where(`seen::text > '2'`)],
    [
      'an outer reference',
      `select r.name from region r where exists (select from place p, note n where p.population < 50 and p.region_id = r.region_id and p.kind <> r.name) and r.name <> 'r3'`,
    ],
    [
      'a sub-select of FROM that refers to its neighbour',
      `select d.id from note n, lateral (select * from place p where p.id = n.place_id and p.population < 50) d`,
    ],
  ])('leaves out: %s', async (_title, text) => {
    const fragments = await bench.harness.learn(text);
    expect(fragments.map(({ conjuncts }) => conjuncts.length)).toEqual(fragments.map(() => 1));
    await bench.applies(text);
  });

  test.each([
    ['an immutable function', where(`fixed(id)`)],
    ['an enum', where(`mood = 'ok' and mood > 'sad'`)],
    ['a domain', where(`size = 3`)],
    ['a range', where(`span @> 2 and span && '[3,4)'::int4range`)],
    ['an array', where(`kind = any ('{k2,k3,NULL}') and kind <> all ('{k9}')`)],
    ['a date that stays', where(`seen > '2020-01-01' and seen < 'infinity'`)],
    ['a cast to a domain without a check', where(`id::plain > 5`)],
    [
      'a materialized view beside it',
      `select p.id from place p join copied c on c.place_id = p.id where p.population < 50`,
    ],
  ])('applies: %s', async (_title, text) => {
    await bench.applies(text);
  });

  test.each([
    ['a function whose volatility nobody declared', 'volatile function', where(`noisy(id)`)],
    ['the same in a select list', 'volatile function', `select noisy(id) from place where population < 50`],
    [
      'the same in ORDER BY',
      'volatile function',
      `select id from place where population < 50 order by random()`,
    ],
    [
      'the same, nested',
      'volatile function',
      where(`exists (select 1 from note n where n.place_id = p.id and noisy(n.id))`),
    ],
    ['set_config', 'volatile function', where(`set_config('my.x', kind, false) is not null`)],
    ['a volatile function written like a column', 'volatile function', where(`p.noisy_row`)],
    ['the same of a parenthesised row', 'volatile function', where(`(p).noisy_row`)],
    [
      'an aggregate made of a volatile function',
      'volatile function',
      where(`(select noisy_sum(n.id) from note n where n.place_id = p.id) > 3`),
    ],
    ['a volatile operator', 'volatile operator', where(`id #### 3::int8`)],
    ['one that BETWEEN stands for', 'volatile operator', where(`id between 3::int8 and 5::int8`)],
    ['one of ANY over a sub-select', 'volatile operator', where(`id #### any (select 3::int8)`)],
    ['one that IN over a sub-select stands for', 'volatile operator', where(`id::int2 in (select 3::int2)`)],
    [
      'one that CASE stands for',
      'volatile operator',
      where(`case id::int2 when 3::int2 then true else false end`),
    ],
    [
      'one that USING stands for',
      'volatile operator',
      `select p.id from place p join (select id::int2 from note) n using (id) where population < 50`,
    ],
    ['a domain whose check calls anything', 'volatile cast', where(`id::checked > 3`)],
    ['a function that does not exist here', 'unknown function', where(`no_such_function(id)`)],
    ['FOR UPDATE', 'locking clause', `${where('true')} for update`],
    [
      'FOR SHARE below',
      'locking clause',
      `select * from (select * from place where population < 50 for share) d`,
    ],
    ['TABLESAMPLE', 'tablesample', `select id from place tablesample system (50) where population < 50`],
    [
      'a data-modifying CTE',
      'data-modifying CTE',
      `with gone as (delete from note where id < 0 returning id) select id from place where population < 50`,
    ],
    [
      'a recursive CTE',
      'recursive CTE',
      `with recursive up (n) as (select 1 union all select n + 1 from up where n < 3) select id from place, up where population < 50 and n = 3`,
    ],
    ['a view', 'view', `select v.id from small_place v join place p on p.id = v.id where p.population < 20`],
    [
      'a view whose name a CTE behind it bears',
      'view',
      `with c as (select id from small_place), small_place as (select * from place where population < 50) select count(*) from small_place, c`,
    ],
    [
      'a view that a CTE elsewhere hides',
      'view',
      `select p.id from place p, noisy_view v, (with noisy_view as (select 1) select * from noisy_view) d where p.population < 50`,
    ],
    [
      'a foreign table',
      'foreign table',
      `select p.id from place p left join far f on f.id = p.id where p.population < 50`,
    ],
    [
      'row-level security',
      'row-level security',
      `select p.id from place p left join secret s on s.place_id = p.id where p.population < 50`,
    ],
    [
      'the name of another database',
      'database-qualified name',
      `select id from elsewhere.public.place where population < 50`,
    ],
    [
      'a relation that is not there',
      'unknown relation',
      `select p.id from place p, no_such_table where population < 50`,
    ],
    [
      'JSON_TABLE',
      'unsupported FROM item',
      `select p.id from place p, json_table(jsonb '[1]', '$[*]' columns (x int path '$')) j where population < 50`,
    ],
  ])('refuses: %s', async (_title, reason, text) => {
    await bench.under(reason === 'volatile operator' ? ['set search_path = odd, public'] : [], () =>
      bench.refuses(text, reason),
    );
  });
});
