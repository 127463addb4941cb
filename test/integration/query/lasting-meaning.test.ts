import { Client } from 'pg';
import { readCatalog } from '../../../src/postgres/catalog/read-catalog';
import { openPool } from '../../../src/postgres/control-pool';
import { hasLastingMeaning } from '../../../src/query/analysis/lasting-meaning';
import { type Catalog } from '../../../src/query/catalog/catalog';
import { parseRestrictable } from '../../support/analyse-text';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { trackedKey } from '../../../test/support/rule-bench';

const key = trackedKey('region', 'integer', { 'public.place': 'region', 'second.shop': 'region' });

/** The columns' types, and for each a constant it can be compared with. */
const columns: Readonly<Record<string, readonly [type: string, constant: string]>> = {
  region: ['int', '7'],
  name: ['text', 'kiosk'],
  code: ['varchar(9)', 'k'],
  size: ['numeric', '1.5'],
  opened: ['date', '2020-02-03'],
  seen: ['timestamptz', '2020-02-03 10:00'],
  at: ['timestamp', '2020-02-03 10:00'],
  opens: ['time', '10:00'],
  stays: ['interval', '1 hour'],
  closes: ['timetz', '18:00'],
  kind: ['mood', 'ok'],
  moods: ['mood[]', '{ok}'],
  tags: ['text[]', '{a,b}'],
  days: ['daterange', '[2020-01-01,2020-02-01)'],
  hours: ['hours', '[10:00,12:00)'],
  relation: ['regclass', 'place'],
  config: ['regconfig', 'english'],
  price: ['money', '1.00'],
  facts: ['jsonb', '{"a": "b"}'],
  words: ['tsvector', 'a b'],
  few: ['few', 'k'],
  feeling: ['feeling', 'ok'],
  pair: ['pair', '(1,ok)'],
  id: ['uuid', '00000000-0000-0000-0000-000000000001'],
  is_open: ['boolean', 'yes'],
  spot: ['point', '(1,2)'],
};

const schema = `
  create type mood as enum ('sad', 'ok');
  create type hours as range (subtype = timetz);
  create domain few as text check (value <> 'now');
  create domain feeling as mood;
  create type pair as (a int, b mood);
  create table place (${Object.entries(columns)
    .map(([name, [type]]) => `${name} ${type}`)
    .join(', ')});
  create schema second;
  create table second.shop (region int, name text);
  -- None of them is ever called; one in SQL would be reason enough.
  create function closing(place_name text) returns timetz stable language internal as 'textlen';
  create function same(anyelement, anyelement) returns boolean immutable language internal as 'texteq';
  create function rough(place) returns mood stable language internal as 'textlen';
  create function opens_at(text) returns time stable language internal as 'textlen';
  create function in_sql(text) returns text stable language sql as $$ select 'now'::timestamptz::text || $1 $$;
  create function of_row(place) returns timestamptz stable language sql as $$ select 'now'::timestamptz $$;
  create function in_plpgsql(int) returns int immutable language plpgsql as
    $$ begin return (select count(*) from place); end $$;
  create operator @~ (leftarg = text, rightarg = regclass, function = has_relation);

  -- The types of the constants in the parse tree that PostgreSQL makes of a query; null if it does not take it.
  create function constant_types(query text) returns text[] language plpgsql as $$
  declare found text[];
  begin
    execute 'create view probe as ' || query;
    select coalesce(array_agg(distinct c[1]::oid::regtype::text), '{}') into found
      from pg_rewrite as r, regexp_matches(r.ev_action, '\\{CONST :consttype (\\d+)', 'g') as c
     where r.ev_class = 'probe'::regclass;
    raise exception using errcode = 'PT001', message = found::text;
  exception
    when sqlstate 'PT001' then return sqlerrm::text[];
    when others then return null;
  end $$;
`;

/** Types of which the server reads a constant anew each time it parses it, to another value perhaps. */
const fleeting =
  /^(time with time zone|mood|mood\[\]|hours|regclass|regconfig|regproc|regtype|money|pair|feeling)$/;

describe('a meaning that lasts', () => {
  let server: PostgresServer;
  let client: Client;
  let catalog: Catalog;

  beforeAll(async () => {
    server = await startPostgres();
    const connection = server.connectionOptions(await server.createDatabase());
    client = new Client(connection);
    await client.connect();
    await client.query(
      schema.replace(
        'create operator @~',
        `create function has_relation(text, regclass) returns boolean stable language internal as 'texteq';
         create operator @~`,
      ),
    );
    await using pool = openPool(connection);
    catalog = await readCatalog(pool, [key]);
  });

  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  const lasts = (text: string, searchPath: readonly string[] = ['pg_catalog', 'public']): boolean =>
    hasLastingMeaning(parseRestrictable(text), { catalog, searchPath, temporaryRelations: new Set() });
  const where = (condition: string): string => `select p.region from place p where ${condition}`;

  test.each([
    `p.region = 7 and p.size < 1.5`,
    `p.name = 'kiosk'`,
    `p.name like 'k%' and p.code in ('a', 'b') and p.name between 'a' and 'b'`,
    `p.opened >= '2020-02-03' and p.seen < '2020-02-03 10:00' and p.at > '2020-02-03'`,
    `p.opened >= date '2020-02-03' and p.seen < now() - interval '1 day'`,
    `p.opened > current_date - 7 and p.opens > localtime`,
    `p.tags && '{a,b}' and p.days @> '2020-02-03'::date and p.facts @> '{"a": 1}'`,
    `date_trunc('month', p.seen) = '2020-02-01' and extract(year from p.seen) = 2020`,
    `lower(p.name) = 'kiosk' and coalesce(p.name, 'x') <> 'y' and case p.name when 'a' then 'b' else 'c' end = 'b'`,
    `p.few = 'k' and p.is_open = 'yes' and p.id = '00000000-0000-0000-0000-000000000001'`,
    `exists (select from place q where q.region = p.region and q.name = 'b')`,
    `p.name = any ('{a,b}') and p.name = any (array['a', 'b']) and p.region = any ('{1,2}'::int[])`,
    `p.kind is not null and p.region = 7`,
    `opens_at(p.name) = '10:00'`,
  ])('%s', (condition) => {
    expect(lasts(where(condition))).toBe(true);
  });

  test.each([
    ['a word for the day', `p.opened < 'today'`],
    ['the same in an array', `p.opened = any ('{to\\day}')`],
    ['the same with a cast', `p.seen < timestamptz 'NOW'`],
    ['a time with today’s offset', `p.closes < '18:00'`],
    ['the same with a cast', `'18:00'::timetz > localtime::timetz`],
    ['the same by the other operand', `current_time < '18:00'`],
    ['the same by a function', `closing(p.name) < '18:00'`],
    ['the same in a range', `p.hours @> '[10:00,12:00)'`],
    ['an enum', `p.kind = 'ok'`],
    ['an array of an enum', `p.moods = '{ok}'`],
    ['a domain over an enum', `p.feeling = 'ok'`],
    ['a cast to an enum', `'ok'::mood is not null`],
    ['a cast to a domain', `p.few = 'k'::few`],
    ['an enum by a function of rows', `p.rough = 'ok'`],
    ['a relation', `p.relation = 'place'`],
    ['a relation by a cast', `p.relation = 'place'::regclass`],
    ['a configuration as an argument', `to_tsvector('english', p.name) @@ 'a'`],
    ['a relation as an argument', `pg_relation_size('place') > 0`],
    ['a relation as an operand', `p.name @~ 'place'`],
    ['money', `p.price > '1.00'`],
    ['a composite', `p.pair = '(1,ok)'`],
    ['a field', `(p.pair).b = 'ok'`],
    ['a row', `row(p.kind, 1) = row('ok', 1)`],
    ['a function in SQL', `in_sql(p.name) is not null`],
    ['the same, called as a column', `p.of_row is not null`],
    ['a function that is run when it is planned', `in_plpgsql(1) = 1`],
    ['a whole row', `coalesce(p, '(7,a)') is not null`],
    [
      'a whole row by its table’s name',
      `exists (select from place where coalesce(place, '(7,a)') is not null)`,
    ],
    ['a constant that is compared with rows', `'18:00' = any (select q.name from place q)`],
    ['what lists cursors', `(pg_cursor()) is null`],
    ['a collation', `p.name < 'b' collate "C"`],
    ['no table of the configuration', `exists (select from pg_class c where c.relkind = 'r')`],
  ])('%s: not', (_title, condition) => {
    expect(lasts(where(condition))).toBe(false);
  });

  test('columns by another name, or all of them, count whatever is mentioned', () => {
    expect(lasts(`select region from place where name = 'a'`)).toBe(true);
    expect(lasts(`select * from place where region = 7`)).toBe(true);
    expect(lasts(`select * from place where name = 'a'`)).toBe(false);
    expect(lasts(`select r from place as p (r, n) where n = 'a'`)).toBe(false);
    expect(lasts(`with p (r, k) as (select region, kind from place) select r from p where k = 'ok'`)).toBe(
      false,
    );
    expect(lasts(`with p as (select region, name from place) select region from p where name = 'ok'`)).toBe(
      true,
    );
  });

  test('a relation that another could be found before is another one some day', () => {
    expect(lasts(`select region from shop`, ['pg_catalog', 'second', 'public'])).toBe(true);
    expect(lasts(`select region from shop`, ['pg_catalog', 'public', 'second'])).toBe(false);
    expect(lasts(`select region from shop`, ['second', 'pg_catalog'])).toBe(true);
    expect(lasts(`select region from second.shop`, ['pg_catalog', 'public', 'second'])).toBe(true);
  });

  /** Every column with every constant under many operators and functions, either way round. */
  test('whatever the server makes of the constants, those of statements that last do', async () => {
    const operators = ['=', '<', '+', '-', '||', '@>', '&&', '~~', '@@', '->>', '<<', '@~', '*'];
    const functions = ['coalesce', 'greatest', 'same', 'to_tsvector', 'date_trunc', 'timezone', 'concat', 'age', 'array_append', 'text', 'left', 'jsonb_path_query_first', 'overlaps']; // prettier-ignore
    const conditions: string[] = [];
    for (const name of Object.keys(columns)) {
      for (const [, constant] of Object.values(columns)) {
        const [column, literal] = [`p.${name}`, `'${constant}'`];
        for (const operator of operators)
          conditions.push(`${column} ${operator} ${literal}`, `${literal} ${operator} ${column}`);
        for (const fn of functions)
          conditions.push(
            `${fn}(${column}, ${literal})`,
            `${fn}(${literal}, ${column})`,
            `${fn}(${column}, ${literal}) = ${literal}`,
          );
        conditions.push(
          `${column} in (${literal}, ${literal})`,
          `${column} between ${literal} and ${literal}`,
        );
        conditions.push(`max(${column}) = ${literal}`, `nullif(${column}, ${literal}) = ${literal}`);
      }
    }
    const texts = conditions.map((condition) => `select ${condition} as x from place as p`);
    const { rows } = await client.query<{ query: string; types: string[] | null }>(
      'select query, constant_types(query) as types from unnest($1::text[]) as query',
      [texts],
    );
    const taken = rows.filter(({ types }) => types !== null);
    const areFleeting = (types: readonly string[] | null): boolean =>
      (types ?? []).some((type) => fleeting.test(type));
    const lasting = taken.filter(({ query }) => lasts(query));
    expect(lasting.filter(({ types }) => areFleeting(types))).toEqual([]);
    // Both kinds were there to be told apart.
    expect(taken.filter(({ types }) => areFleeting(types)).length).toBeGreaterThan(100);
    expect(lasting.length).toBeGreaterThan(0.5 * taken.length);
  });
});
