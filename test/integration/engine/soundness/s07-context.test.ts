import type { Plan } from '../../../../src/engine/engine';
import { regionKey, regionSchema, RuleBench, trackedKey } from '../../../support/rule-bench';

const word = trackedKey('word', 'text', { 'public.term': 'k', 'public.accented': 'clé' });
const moment = trackedKey('moment', 'timestamp', { 'public.stay': 'at' });

const schema = `${regionSchema}
  create table term (k text, v int);
  insert into term values ('é', 1), ('Ã©', 1), ('x', 1), (null, 1);
  create table accented ("clé" text, v int);
  insert into accented values ('x', 1), ('y', 2);
  create table stay (at timestamptz, started timestamptz, lasted interval, note text);
  insert into stay select i, i, '1 day'::interval, 'n' from
    unnest('{2020-01-01 00:00+00,2020-01-01 12:00+00,2020-02-01 00:00+00,2020-01-02 03:00+00,infinity,-infinity,0044-03-15 00:00+00 BC}'::timestamptz[]) as i;
  create schema elsewhere;
  create table elsewhere.place (id int, region_id int, kind text, population int, lat float8);
  insert into elsewhere.place values (1, 77, 'k1', 1, 1);
  analyze;
`;

describe('rule S7: meaning is in the key', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey, word, moment], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const small = `select id from place where population < 10`;

  describe('names', () => {
    test('applies: a table of another schema that bears the name is another table', async () => {
      await bench.applies(small);
      await bench.under(['set search_path = elsewhere, public'], () =>
        bench.refuses(small, 'no partition key'),
      );
      await bench.under(['set search_path = elsewhere, public'], () =>
        bench.applies(`select id from public.place where population < 10`),
      );
    });

    test('refuses: what was decided before a temporary table hid the table', async () => {
      await bench.applies(small);
      await bench.harness.client.query(
        'create temp table place as select 1 as id, 77 as region_id, 1 as population',
      );
      expect(await bench.harness.plan(small)).toMatchObject({ kind: 'forward', reason: 'temporary table' });
      await bench.refuses(`select id from pg_temp.place where population < 10`, 'temporary table');
      await bench.applies(`select id from public.place where population < 10`);
      await bench.harness.client.query('drop table pg_temp.place');
      await bench.applies(small);
    });

    test('asks again once the catalog was read again: another session may have made a schema of the search_path', async () => {
      await bench.applies(small);
      const { engine } = bench.harness;
      const context = await bench.harness.context();
      const plan = (): Plan | Promise<Plan> =>
        engine.plan({ statement: engine.inspect(small), context, isContextCertain: true, canRetry: true });
      expect(await plan()).toMatchObject({ kind: 'rewrite' });
      await bench.define('create schema late');
      expect(await plan()).toEqual({ kind: 'needsContext' });
      await bench.applies(small);
    });

    test('refuses: a temporary child, whose rows nobody else sees', async () => {
      await bench.applies(small);
      const { client } = bench.harness;
      await client.query(`create temp table own () inherits (public.place)`);
      await client.query(`insert into own (id, region_id, population) values (-1, 77, 1)`);
      await bench.refuses(small, 'temporary child');
      await bench.refuses(`select id from public.place where population < 10`, 'temporary child');
      await client.query('alter table own no inherit public.place');
      await bench.applies(small);
      await client.query('drop table own');
    });

    test('refuses: a temporary domain that hides a type, 4.6::float8 being 5', async () => {
      const text = `select id from place where population = 4.6::float8`;
      await bench.harness.learn(text);
      await bench.harness.client.query('create domain pg_temp.float8 as int4');
      expect(await bench.outcome(text)).toHaveProperty('rows.0');
      await bench.refuses(text, 'unknown type');
      await bench.applies(`select id from place where population = 5::pg_catalog.float8`);
      await bench.harness.client.query('drop domain pg_temp.float8');
    });

    test('applies: a function of the session that hides a builtin one means its own', async () => {
      await bench.define(`create schema mine;
        create function mine.lower(text) returns text immutable language sql as $$ select pg_catalog.upper($1) $$`);
      const text = `select id from place where lower(kind) = 'K1'`;
      await bench.harness.learn(text);
      await bench.under(['set search_path = mine, pg_catalog, public'], async () => {
        expect(await bench.outcome(text)).toHaveProperty('rows.0');
        await bench.applies(text);
      });
    });

    test('applies: an operator of the session that hides a builtin one means its own', async () => {
      await bench.define(
        `create schema odd; create operator odd.< (leftarg = int4, rightarg = int4, function = int4gt)`,
      );
      await bench.harness.learn(small);
      await bench.under(['set search_path = odd, pg_catalog, public'], () => bench.applies(small));
    });
  });

  test.each([
    [
      'TimeZone',
      `set timezone = 'Asia/Tokyo'`,
      `select note, at from stay where started < '2020-01-02 00:00'`,
    ],
    ['DateStyle', `set datestyle = 'ISO, DMY'`, `select note, at from stay where started < '01/02/2020'`],
    [
      'IntervalStyle',
      `set intervalstyle = 'sql_standard'`,
      `select note, at from stay where lasted = '-1 -2:00'::interval or note = 'n'`,
    ],
    ['extra_float_digits', `set extra_float_digits = -15`, `select id from place where lat::text = '5'`],
    ['bytea_output', `set bytea_output = 'escape'`, `select id from place where kind::bytea = 'k1'::bytea`],
    [
      'transform_null_equals',
      `set transform_null_equals = on`,
      `select id from place where region_id = null and population < 500`,
    ],
    ['array_nulls', `set array_nulls = off`, `select id from place where kind = any ('{NULL,k1}')`],
    ["a setting of the user's own", `set my.setting = '1'`, small],
  ])('applies: %s is part of the meaning', async (_title, setting, text) => {
    await bench.applies(text).catch(() => undefined);
    await bench.under([setting], () => bench.applies(text));
    await bench.under([`set timezone = 'America/New_York'`, setting], () => bench.applies(text));
  });

  test('applies: harmless settings are not', async () => {
    await bench.applies(small);
    await bench.under(
      [`set work_mem = '1MB'`, `set enable_seqscan = off`, `set application_name = 'x'`],
      async () => {
        expect(await bench.harness.plan(small)).toMatchObject({ kind: 'rewrite' });
      },
    );
  });

  test.each([
    [`set timezone = 'Asia/Tokyo'`],
    [`set datestyle = 'German'`],
    [`set datestyle = 'SQL, DMY'`],
    [`set datestyle = 'Postgres, MDY'`],
  ])('applies: timestamp keys are read back as what they are under %s', (setting) =>
    bench.under([setting], async () => {
      await bench.applies(`select at from stay where note = 'n'`);
    }),
  );

  test('refuses: standard_conforming_strings off, where a backslash could end a constant', () =>
    bench.under(['set standard_conforming_strings = off', 'set escape_string_warning = off'], () =>
      bench.refuses(small, 'standard_conforming_strings is off'),
    ));

  describe('a client_encoding other than UTF8', () => {
    const latin1 = [`set client_encoding = 'LATIN1'`];

    test('applies: where nothing but ASCII is spliced in', () =>
      bench.under(latin1, async () => {
        await bench.applies(small);
      }));

    test('refuses: text keys, of which é would be read as Ã©', async () => {
      await bench.applies(`select k from term where v = 1`);
      await bench.under(latin1, () => bench.refuses(`select k from term where v = 1`, 'miss'));
    });

    test('refuses: a key column, or an alias, that is not ASCII though the text is', async () => {
      await bench.applies(`select v from accented where v = 1`);
      await bench.under(latin1, () => bench.refuses(`select v from accented where v = 1`, 'miss'));
      const alias = `select id from place as U&"\\00e9" where population < 10`;
      await bench.applies(alias);
      await bench.under(latin1, () => bench.refuses(alias, 'miss'));
    });

    test('refuses: a text that is not ASCII', () =>
      bench.under(latin1, () =>
        bench.refuses(`select id, 'é' from place where population < 10`, 'client encoding'),
      ));

    test('refuses: a parameter whose LATIN1 bytes would also be UTF-8', async () => {
      await bench.define(
        `alter table place add column motto text; update place set motto = 'Ã©' where id % 50 = 0`,
      );
      const text = `select id from place where motto = $1`;
      await bench.applies(text, [Buffer.from('é')]);
      await bench.under(latin1, async () => {
        const asLatin1 = [Buffer.from('Ã©', 'latin1')];
        expect(await bench.outcome(text, asLatin1)).toHaveProperty('rows.0');
        expect(
          await bench.harness.plan(text, { declaredOids: [], formats: [1], values: asLatin1 }),
        ).toMatchObject({
          kind: 'forward',
          reason: 'miss',
        });
      });
    });
  });
});

describe('rule S7: a statement that may change what the next one means', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey], regionSchema);
    await bench.define(`
      create function move(text) returns boolean language sql as $$ select set_config('search_path', $1, false) is not null $$;
      create function moves(place) returns boolean language sql as $$ select move('elsewhere') $$;
      create function quietly(text) returns boolean stable language plpgsql as $$ begin return set_config('search_path', $1, false) is not null; end $$;
      create function atomically(text) returns boolean immutable begin atomic select set_config('search_path', $1, false) is not null; end;
      create view settings_of as select move('elsewhere') as x;
    `);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const leavesContextAlone = (text: string): boolean => bench.harness.engine.inspect(text).leavesContextAlone;

  test.each([
    ['a plain query', `select id, kind || 'x' from place where population < 50 and id = 5::int8`],
    ['a CTE', `with c as (select * from place) select * from c join region using (region_id) order by 1`],
  ])('applies: %s leaves the context alone', (_title, text) => {
    expect(leavesContextAlone(text)).toBe(true);
  });

  test.each([
    ['a function that calls set_config', `select move('a') from place`],
    ['one that says it is stable', `select quietly('a') from place`],
    ['one that says it is immutable, in standard SQL', `select atomically('a') from place`],
    ['one that is written like a column', `select p.moves from place p`],
    ['one of a parenthesised row', `select (p).moves from place p`],
    ['a view', `select x from settings_of, place`],
    [
      'a view whose name a CTE bears elsewhere',
      `select v.x from settings_of v, place, (with settings_of as (select 1) select * from settings_of) d`,
    ],
  ])('refuses: %s may not', (_title, text) => {
    expect(leavesContextAlone(text)).toBe(false);
  });

  test('the types that a prepared statement has given its parameters are read with the context', async () => {
    const { client, engine } = bench.harness;
    const text = `prepare p as select id from place where id = $1 and kind = $2`;
    await client.query(text);
    await client.query('alter table place alter id type bigint');
    const { rows } = await client.query<(string | null)[]>({
      text: engine.contextQuery,
      values: ['p'],
      rowMode: 'array',
    });
    expect(engine.readContext(rows[0] ?? [])).toMatchObject({ preparedText: text, preparedTypes: [23, 25] });
    await client.query('deallocate p; alter table place alter id type int');
  });

  test('refuses: an operator or a domain that may call anything', async () => {
    const text = `select id from place where population < 50`;
    expect(leavesContextAlone(text)).toBe(true);
    await bench.define(`create operator public.#### (leftarg = text, rightarg = text, function = texteq)`);
    expect(leavesContextAlone(text)).toBe(true);
    await bench.define(`create domain quiet as text
      check (value is null or (lower(value) <> ' {FUNCEXPR :funcid 1 x' and length(value) between 1 and 9 and value in ('a', 'b')))`);
    expect(leavesContextAlone(text)).toBe(true);
    for (const check of [
      `move(value)`,
      `quietly(value)`,
      `case when value > 'a' then true end`,
      `value::quiet is null`,
    ]) {
      await bench.define(`create domain noisy as text check (${check})`);
      expect(leavesContextAlone(text)).toBe(false);
      await bench.define(`drop domain noisy`);
      expect(leavesContextAlone(text)).toBe(true);
    }
    await bench.define(`create function noisy(text, text) returns boolean language sql as $$ select move($1) $$;
      create operator public.##### (leftarg = text, rightarg = text, function = noisy)`);
    expect(leavesContextAlone(`select id from place where kind ##### 'elsewhere'`)).toBe(false);
  });
});
