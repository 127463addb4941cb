import { regionKey, regionSchema, RuleBench, trackedKey } from '../../../support/rule-bench';

const word = trackedKey('word', 'text', {
  'public.term': 'k',
  'public.Größe': 'Schlüßel "x"',
  'public.short': 'k',
});
const number = trackedKey('number', 'float', { 'public.narrow': 'k', 'public.wide': 'k' });
const count = trackedKey('count', 'integer', { 'public.tally': 'k' });

const oddWords = `'', ' ', '''', '"', '\\', '\\\\', ',', '{', '}', '{a,b}', 'NULL', 'null', 'a''b"c\\d,{e}', 'é', '日本', '😀', E'tab\\t', E'line\\nfeed', '$1', '--', '/*', 'a '`;

const schema = `${regionSchema}
  create table term (k text, v int);
  insert into term select unnest(array[${oddWords}]), 1;
  insert into term values (null, 1), ('other', 2);
  create table short (k varchar(5), v int);
  insert into short values ('NULL', 1), ('', 1), ('x', 2);
  create table "Größe" ("Schlüßel ""x""" text, "where" int, "Order by" int);
  insert into "Größe" values ('ß', 1, 1), ('"', 1, 1), (null, 1, 1), ('other', 2, 1);
  create table narrow (k float4, v int);
  create table wide (k float8, v int);
  insert into narrow values ('NaN', 1), ('-0', 1), ('0', 1), ('Infinity', 1), ('-Infinity', 1), (0.1, 1), (1e30, 1), (1e-40, 1), (null, 1), (5, 2);
  insert into wide select * from narrow;
  insert into wide values (0.1, 1), (1e300, 1), (5e-324, 1);
  create table tally (k int2, v int8, at timestamp, note text);
  insert into tally select i, 9007199254740990 + i, '2020-01-01'::timestamp + i * '1 microsecond'::interval, i::text from generate_series(1, 20) as i;
  update place set kind = 'it''s -- {0} "$1" \\' where id % 100 = 0;
  analyze;
`;

describe('rules S2, S8 and S9: text, identifiers, values', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey, word, number, count], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    ['a comment in place of a space', `select id/**/from/**/place/**/where/**/population<50/**/`],
    ['a comment before the condition', `select id from place where -- the small ones\n population < 50`],
    ['a comment at the end, without an end of line', `select id from place where population < 50 -- or not`],
    [
      'a comment at the end of FROM',
      `select id from place p /* where */ , region r -- union\n where r.region_id = p.region_id and p.population < 50 -- )`,
    ],
    ['nested comments', `select id from place /* a /* b */ where false */ where population < 50`],
    ['semicolons', `select id from place where population < 50 ; ; `],
    [
      'keywords as labels',
      `select id as order, kind as limit, lat as where, population as "from", id as union from place where population < 50`,
    ],
    ['keywords as aliases', `select "where"."id" from place as "where" where "where".population < 50`],
    ['a block in parentheses', `((select id from place where population < 50))`],
    [
      'a block at the very end of another',
      `select name from region where region_id in (select region_id from place where population < 50) and name <> 'r1' and region_id in (select region_id from place where population > 950)`,
    ],
    [
      'FOR inside a function',
      `select substring(kind from 1 for 2), overlay(kind placing 'x' from 1 for 1) from place where population < 50 and substring(kind from 1 for 1) = 'k'`,
    ],
    [
      'brackets and casts at the end',
      `select id from place where population < 50 and id > (array[50, 60])[1]::int::bigint`,
    ],
    ['an operator spelled out at the end', `select id from place where population operator(pg_catalog.<) 50`],
    ['IS NULL at the end', `select id from place where population < 300 and region_id is null`],
    [
      'a CASE at the end',
      `select id from place where population < 50 and case when id > 5 then true else false end`,
    ],
    [
      'strings that look like SQL',
      `select id, ' where ', 'union -- ''' from place where population < 50 and kind <> ') or (true'`,
    ],
    [
      'braces, dollars, quotes, backslashes in a string',
      `select id from place where kind = 'it''s -- {0} "$1" \\'`,
    ],
    ['E strings', `select id from place where kind = E'it\\'s -- {0} "$1" \\\\'`],
    ['U& strings', `select id from place where kind = U&'it''s -- {0} "$1" \\005c'`],
    [
      'U& strings with another escape',
      `select id from place where kind = U&'it''s -- {0} "$1" !005c' uescape '!'`,
    ],
    ['dollar quotes', `select id from place where kind = $q$it's -- {0} "$1" \\$q$`],
    ['strings continued on another line', `select id from place where kind = 'it''s -- {0}'\n ' "$1" \\'`],
    [
      'Unicode before the condition',
      `select id, '日本 😀 é' as "Größe 😀" from place "ä😀" where "ä😀".population < 50`,
    ],
    ['Unicode identifiers', `select "where" from "Größe" as "😀" where "😀"."where" = 1 and "Order by" = 1`],
    ['identifiers by U&', `select id from U&"pl\\0061ce" as place where population < 50`],
    ['mixed case that is folded', `SELECT Id FROM PLACE P WHERE p.POPULATION < 50 AND KIND <> 'K1'`],
    [
      'an alias that is cut to 63 bytes',
      `select id from place as ${'long_'.repeat(15)} where population < 50`,
    ],
    ['tabs, carriage returns, form feeds', 'select\tid\r\nfrom\fplace\r\nwhere\tpopulation < 50\r\n'],
  ])('applies: %s', async (_title, text) => {
    const direct = await bench.outcome(text);
    expect(direct).toHaveProperty('rows.0');
    await bench.applies(text);
  });

  test.each([
    ['text', `select k from term where v = 1`],
    ['varchar', `select k from short where v = 1`],
    ['a quoted column', `select * from "Größe" where "where" = 1`],
    ['float4', `select k from narrow where v = 1`],
    ['float8', `select k from wide where v = 1`],
    ['float4 and float8', `select a.k, b.k from narrow a, wide b where a.k = b.k and a.v = 1 and b.v = 1`],
    ['text and varchar', `select a.k, b.k from term a, short b where a.k = b.k and a.v = 1 and b.v = 1`],
    ["a key out of its column's range", `select k from tally where k < 100000 and v > 1`],
  ])('applies: keys of %s, whatever they are', async (_title, text) => {
    expect(await bench.outcome(text)).toHaveProperty('rows.0');
    await bench.applies(text);
  });

  const int8 = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return bytes;
  };
  const float8 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return bytes;
  };

  test.each([
    ['int8 above 2^53, in text', `select note from tally where v = $1`, ['9007199254740993']],
    ['int8 above 2^53, in binary', `select note from tally where v = $1`, [int8(9007199254740993n)]],
    ['a timestamp in text', `select note from tally where at = $1`, ['2020-01-01 00:00:00.000007']],
    ['a timestamp in binary', `select note from tally where at = $1`, [int8(631152000000007n)]],
    ['text', `select id from place where kind = $1`, ['it\'s -- {0} "$1" \\']],
    ['text in binary', `select id from place where kind = $1`, [Buffer.from('it\'s -- {0} "$1" \\')]],
    [
      'a declared type',
      `select id from place where population < $1::int8 and lat > $2::numeric`,
      ['50', '1.5'],
    ],
    ['one parameter twice', `select id from place where population < $1 and id > $1`, ['500']],
    ['parameters out of order', `select id from place where population < $2 and id > $1`, ['5', '500']],
    ['NULL', `select id from place where kind = $1 or population < $2`, [null, '20']],
    ['an array', `select id from place where kind = any ($1)`, ['{k1,"k2",NULL}']],
    ['a float', `select id from place where lat = $1`, [float8(5)]],
    [
      'a negative zero, whose text has a sign',
      `select id from place where kind = $1::float8::text or lat::text = '5'`,
      [float8(-0)],
    ],
    ['a parameter in LIMIT', `select id from place where population < $1 order by id limit $2`, ['50', '3']],
  ])('applies: parameters: %s', async (_title, text, values) => {
    expect(await bench.outcome(text, values)).toHaveProperty('rows.0');
    await bench.applies(text, values);
  });

  // A program that tidies up white space, or looks for ` = `, makes one of two such literals.
  test.each([
    ['two blanks and one', `'wide  gap'`, `'wide gap'`],
    ['` = ` and `=`', `'a = b'`, `'a=b'`],
    ['` = ` and an equality', `'p.region_id = r.region_id'`, `'p.region_id = R.region_id'`],
    ['a blank at the end and none', `'no gap '`, `'no gap'`],
  ])('loses no row: literals with %s', async (_title, one, other) => {
    await bench.define(
      `update place set kind = ${one} where id in (81, 161); update place set kind = ${other} where id in (82, 162)`,
    );
    const of = (literal: string): string => `select id from place where kind = ${literal}`;
    await bench.applies(of(one));
    expect(await bench.outcome(of(one))).toEqual({ rows: ['[161]', '[81]'] });
    // What is known of one says nothing of the other.
    expect(await bench.harness.plan(of(other))).toMatchObject({ kind: 'forward', reason: 'miss' });
    await bench.applies(of(other));
    expect(await bench.outcome(of(other))).toEqual({ rows: ['[162]', '[82]'] });
  });

  test('applies: a negative zero is not taken for zero', async () => {
    await bench.define(`update place set kind = '-0' where id = 1234`);
    const text = `select id from place where kind = $1::float8::text`;
    expect(await bench.applies(text, [float8(-0)])).toBeDefined();
    expect(await bench.outcome(text, [float8(-0)])).toEqual({ rows: ['[1234]'] });
  });
});
