import { regionKey, regionSchema, RuleBench, trackedKey } from '../../../support/rule-bench';

const whole = trackedKey('whole', 'integer', {
  'public.int2_key': 'k',
  'public.int4_key': 'k',
  'public.int8_key': 'k',
  'public.domain_key': 'k',
});
const real = trackedKey('real', 'float', {
  'public.float4_key': 'k',
  'public.float8_key': 'k',
  'public.float_domain_key': 'k',
});
const word = trackedKey('word', 'text', {
  'public.text_key': 'k',
  'public.blind_key': 'k',
  'public.text_domain_key': 'k',
});
const moment = trackedKey('moment', 'timestamp', {
  'public.date_key': 'k',
  'public.timestamp_key': 'k',
  'public.moment_domain_key': 'k',
  'public.late_key': 'k',
});

/** Each table holds its keys with v = 1, and with v = 2 a key that every set leaves out. */
const schema = `${regionSchema}
  create table int2_key (k int2, v int);
  insert into int2_key values (0, 1), (-1, 1), (-32768, 1), (32767, 1), (5, 2), (null, 1);
  create table int4_key (k int4, v int);
  insert into int4_key values (0, 1), (-1, 1), (-2147483648, 1), (2147483647, 1), (-32768, 1), (5, 2), (null, 1);
  create table int8_key (k int8, v int);
  insert into int8_key values (0, 1), (-1, 1), (-9223372036854775808, 1), (9223372036854775807, 1), (2147483647, 1), (-32768, 1), (5, 2);
  create domain small as int4;
  create domain smaller as small check (value > -10);
  create table domain_key (k smaller, v int);
  insert into domain_key values (0, 1), (-1, 1), (2147483647, 1), (5, 2), (null, 1);

  create table float4_key (k float4, v int);
  insert into float4_key values (0, 1), ('-0', 1), ('NaN', 1), ('Infinity', 1), ('-Infinity', 1), (0.1, 1), (1e-45, 1), (7, 2);
  create table float8_key (k float8, v int);
  insert into float8_key values ('-0', 1), ('NaN', 1), ('Infinity', 1), (0.1, 1), (0.1::float4, 1), (5e-324, 1), (1e308, 1), (7, 2);
  create domain ratio as float8;
  create table float_domain_key (k ratio, v int);
  insert into float_domain_key values ('-0', 1), ('NaN', 1), (0.1, 1), (7, 2);

  create table text_key (k text, v int);
  insert into text_key values ('', 1), (' ', 1), ('null', 1), ('NULL', 1), ('a', 1), ('A', 1), ('{}', 1), ('","', 1), (E'a\\nb', 1), ('z', 2), (null, 1);
  create domain label as varchar(10);
  create table text_domain_key (k label, v int);
  insert into text_domain_key values ('', 1), ('a', 1), ('"', 1), ('z', 2), (null, 1);
  create collation case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create table blind_key (k text collate case_blind, v int);
  insert into blind_key values ('a', 1), ('A', 1), ('b', 2);

  create table date_key (k date, v int);
  insert into date_key values ('infinity', 1), ('-infinity', 1), ('0044-03-15 BC', 1), ('2000-01-01', 1), ('1999-01-01', 2);
  create table timestamp_key (k timestamp, v int);
  insert into timestamp_key values ('infinity', 1), ('-infinity', 1), ('0044-03-15 BC', 1), ('2000-01-01', 1), ('294276-12-31 23:59:59.999999', 1), ('1999-01-01', 2);
  create domain instant as timestamptz;
  create table moment_domain_key (k instant, v int);
  insert into moment_domain_key values ('infinity', 1), ('2000-01-01 00:00+00', 1), ('1999-01-01 00:00+00', 2);
  analyze;
`;

describe('no row is lost whose key is at the edge of its type', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([regionKey, whole, real, word, moment], schema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  test.each([
    ['int2: 0, negative, least, largest, NULL', 'int2_key'],
    ['int4', 'int4_key'],
    ['int8', 'int8_key'],
    ['a domain over a domain of int4', 'domain_key'],
    ['float4: -0, NaN, infinities, the least', 'float4_key'],
    ['float8', 'float8_key'],
    ['a domain of float8', 'float_domain_key'],
    ['text: empty, blank, NULL and null, braces, quotes, line ends', 'text_key'],
    ['a domain of varchar', 'text_domain_key'],
    ['dates before Christ, infinite, and of the last day', 'date_key'],
    ['timestamps', 'timestamp_key'],
    ['a domain of timestamptz', 'moment_domain_key'],
  ])('applies: %s', async (_title, table) => {
    const { text } = await bench.applies(`select k::text, v from ${table} where v = 1`);
    expect(await bench.outcome(text)).not.toEqual({ rows: [] });
    // The key that does not qualify is really left out.
    const all = `select k::text, v from ${table} where v >= 1`;
    const restriction = text.slice(text.indexOf('AND ('));
    expect(await bench.outcome(`${all} ${restriction}`)).toEqual(await bench.outcome(text));
  });

  test.each([
    ['int2 and int4', 'int2_key', 'int4_key'],
    ['int4 and int8', 'int4_key', 'int8_key'],
    ['int2 and int8', 'int2_key', 'int8_key'],
    ['a domain and int8', 'domain_key', 'int8_key'],
    ['float4 and float8, by which 0.1 is not 0.1', 'float4_key', 'float8_key'],
    ['float8 and its domain', 'float8_key', 'float_domain_key'],
    ['text and a domain of varchar', 'text_key', 'text_domain_key'],
  ])('applies to both tables of a join: %s', async (_title, one, other) => {
    const text = `select a.k::text, b.k::text from ${one} a join ${other} b on a.k = b.k where a.v = 1 and b.v = 1`;
    const plan = await bench.applies(text);
    expect(await bench.outcome(plan.text)).not.toEqual({ rows: [] });
    expect(plan.text).toMatch(/ANY \('/);
  });

  test('applies: date and timestamp, which are two classes', async () => {
    await bench.applies(
      `select a.k from date_key a join timestamp_key b on a.k = b.k where a.v = 1 and b.v = 1`,
    );
  });

  test('refuses: a date that no timestamp reaches', async () => {
    await bench.define(
      `create table late_key (k date, v int); insert into late_key values ('5874897-12-31', 1)`,
    );
    await bench.refuses(`select k from late_key where v = 1`, 'miss');
  });

  test('applies: a set learned of one type serves the others', async () => {
    const condition = `where a.k = b.k and a.v = 1`;
    await bench.harness.learn(`select 1 from int2_key a, int8_key b ${condition}`);
    expect(
      await bench.harness.plan(`select a.k from int2_key a, int8_key b ${condition} and b.v > 0`),
    ).toMatchObject({
      kind: 'rewrite',
    });
  });

  test('refuses: a text key under a collation that calls a and A equal', async () => {
    await bench.refuses(`select k from blind_key where v = 1`, 'key column of another type');
    const mixed = `select a.k, b.k from text_key a join blind_key b on a.k = b.k collate case_blind where a.v = 1 and b.v = 1`;
    const direct = await bench.outcome(mixed);
    expect(direct).toHaveProperty('rows.3');
    await bench.harness.learn(mixed);
    const plan = await bench.harness.plan(mixed);
    expect(plan.kind === 'rewrite' ? await bench.outcome(plan.text) : direct).toEqual(direct);
  });

  test.each([
    [
      'two columns that equal one string under a collation of the moment',
      `a.k = 'a' collate case_blind and b.k = 'a' collate case_blind`,
    ],
    ['a column compared under a collation of the moment', `a.k collate case_blind = b.k`],
  ])('loses no row: %s', async (_title, condition) => {
    const text = `select a.k, b.k from text_key a, text_key b where ${condition} and a.v = 1 and b.v = 1`;
    const direct = await bench.outcome(text);
    expect(direct).toHaveProperty('rows.3');
    await bench.harness.learn(text);
    const plan = await bench.harness.plan(text);
    expect(plan.kind === 'rewrite' ? await bench.outcome(plan.text) : direct).toEqual(direct);
  });
});
