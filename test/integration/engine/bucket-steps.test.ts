import { readCatalog } from '../../../src/postgres/catalog/read-catalog';
import { openPool } from '../../../src/postgres/control-pool';
import { renderTemplate } from '../../../src/query/ast/template';
import type { AnalysedBlock } from '../../../src/query/analysis/analyse';
import type { AnalysisContext } from '../../../src/query/analysis/analyse';
import type { Conjunct } from '../../../src/query/analysis/conjuncts';
import { defaultFragmentOptions, type FragmentOptions } from '../../../src/query/fragment/fragment-options';
import { Random } from '../../oracle/random';
import { firstBlock, smallContext } from '../../support/analyse-text';
import { RuleBench, trackedKey } from '../../support/rule-bench';

const types = ['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'] as const;
type NumberType = (typeof types)[number];

/** Values around the constants, as near as the types have them, with NULL, NaN and infinities where there are any. */
const schema = `
  create table place (region int not null, i2 int2, i4 int4, i8 int8, n numeric, f4 float4, f8 float8);
  create table zero (region int not null, i2 int2, i4 int4, i8 int8, n numeric, f4 float4, f8 float8);
  insert into place (region, i2, i4, i8, n, f4, f8)
    select i, v::int2, v::int4, v::int8 * 7919, v / 8, v / 8, v / 8
      from generate_series(1, 400) as i, lateral (select (i - 200) * 3::numeric as v) as x;
  insert into place (region, n, f4, f8)
    select 1000 + row_number() over (), x, x, x
      from unnest('{0.1,0.2,0.3,0.7,99.999999,100,100.000001,290,295,299.99999,300,300.00001,1e6,1000000.5,2.5e6,-0.1,-290,-300}'::numeric[]) as x;
  insert into place (region, f4, f8)
    select 2000 + row_number() over (), x, x
      from unnest('{NaN,Infinity,-Infinity,-0,1e30,0.30000001}'::float8[]) as x;
  insert into place (region) values (3000);
  insert into zero values (1, 0, 0, 0, 0, 0, 0);
  create function d(a int4, b int4) returns int4 immutable language sql as 'select a - b';
  create function d(a int8, b int8) returns int8 immutable language sql as 'select a - b';
  create function d(a numeric, b numeric) returns numeric immutable language sql as 'select a - b';
  create function d(a float4, b float4) returns float4 immutable language sql as 'select a - b';
  create function d(a float8, b float8) returns float8 immutable language sql as 'select a - b';
  create function d(a int2, b int2) returns int2 immutable language sql as 'select (a - b)::int2';
  create schema odd;
  create function odd.less(numeric, numeric) returns boolean immutable language sql as 'select $1 > $2';
  create operator odd.< (leftarg = numeric, rightarg = numeric, function = odd.less);
  analyze;
`;

const key = trackedKey('region', 'integer', { 'public.place': 'region', 'public.zero': 'region' });
const columns: Readonly<Record<NumberType, string>> = {
  int2: 'i2', int4: 'i4', int8: 'i8', numeric: 'n', float4: 'f4', float8: 'f8',
}; // prettier-ignore
const distances: Readonly<Record<NumberType, string>> = Object.fromEntries(
  types.map((type) => [type, `d(p.${columns[type]}, z.${columns[type]})`]),
) as Record<NumberType, string>;

let bench: RuleBench;
let context: (options: Partial<FragmentOptions>, searchPath?: readonly string[]) => AnalysisContext;

beforeAll(async () => {
  bench = await RuleBench.open([key], schema);
  await using pool = openPool(bench.server.connectionOptions(bench.database));
  const catalog = await readCatalog(pool, [key]);
  context = (options, searchPath = ['pg_catalog', 'public']) => ({
    ...smallContext({ catalog, searchPath }),
    partitionKeys: [{ ...key, fragments: { ...defaultFragmentOptions, ...options } }],
  });
});

afterAll(() => bench[Symbol.asyncDispose]());

const textOf = (block: AnalysedBlock, { template, tables }: Conjunct): string =>
  renderTemplate(template, (number) => block.tables[tables[number] ?? -1]?.alias ?? '?');

function blockOf(
  condition: string,
  options: Partial<FragmentOptions>,
  searchPath?: readonly string[],
): AnalysedBlock {
  return firstBlock(`select from place p, zero z where ${condition}`, context(options, searchPath));
}

/** What a fragment has in place of the condition. */
function learned(condition: string, bucketSteps: string, searchPath?: readonly string[]): readonly string[] {
  const block = blockOf(condition, { bucketSteps }, searchPath);
  return block.conjuncts
    .filter(({ notLearnedFor }) => notLearnedFor?.has('region') !== true)
    .map((conjunct) => textOf(block, conjunct));
}

test.each([
  [`d(p.f8, z.f8) < 290`, `("d"(p."f8", z."f8") < 300)`],
  [`d(p.f8, z.f8) <= 290.5`, `("d"(p."f8", z."f8") <= 300)`],
  [`290 > d(p.f8, z.f8)`, `("d"(p."f8", z."f8") < 300)`],
  [`d(p.f8, z.f8) > 290`, `(200 < "d"(p."f8", z."f8"))`],
  [`d(p.f8, z.f8) >= -290`, `((-300) <= "d"(p."f8", z."f8"))`],
  [`d(p.f8, z.f8) < -290`, `("d"(p."f8", z."f8") < (-200))`],
  [`d(p.f8, z.f8) < 2.5e6`, `("d"(p."f8", z."f8") < 2500000)`],
  [`d(p.f8, z.f8) < 1234567.8`, `("d"(p."f8", z."f8") < 1234600)`],
  [`d(p.f8, z.f8) < '290'`, `("d"(p."f8", z."f8") < 300)`],
  [`d(p.f8, z.f8) < '290'::float8`, `("d"(p."f8", z."f8") < 300)`],
  [`NOT (d(p.f8, z.f8) < 290)`, `(NOT ("d"(p."f8", z."f8") < 200))`],
  [
    `d(p.f8, z.f8) NOT BETWEEN 110 AND 290`,
    `(NOT (("d"(p."f8", z."f8") <= 200) AND (200 <= "d"(p."f8", z."f8"))))`,
  ],
  [`p.f8 - z.f8 < 290`, `((p."f8" - z."f8") < 300)`],
  [`d(p.i4, z.i4) < 290`, `("d"(p."i4", z."i4") < 300)`],
  [`d(p.i2, z.i2) < '290'`, `("d"(p."i2", z."i2") < 300)`],
])('%s is learned as %s', (condition, expected) => {
  expect(learned(condition, '100')).toEqual([expected]);
});

test('each bound of a BETWEEN goes outward', () => {
  expect(learned(`d(p.f8, z.f8) BETWEEN 110 AND 290`, '100')).toEqual([
    `(100 <= "d"(p."f8", z."f8"))`,
    `("d"(p."f8", z."f8") <= 300)`,
  ]);
});

test.each([
  ['a multiple', `d(p.f8, z.f8) < 300`],
  ['a column', `p.f8 < 290`],
  ['what one table makes', `d(p.f8, p.f8) < 290`],
  ['an equality', `d(p.f8, z.f8) = 290`],
  ['what is no number', `d(p.f8, z.f8) < 'NaN'`],
  ['what is computed', `d(p.f8, z.f8) < 29 * 10`],
  ['a constant at the end of its type', `d(p.i2, z.i2) < '32767'`],
])('refuses: %s stays as it is', (_title, condition) => {
  const block = blockOf(condition, { bucketSteps: '100' });
  expect(block.conjuncts).toEqual(blockOf(condition, {}).conjuncts);
  expect(block.conjuncts).toHaveLength(1);
});

test("refuses: somebody's own operator of the name", () => {
  const own = ['odd', 'pg_catalog', 'public'];
  expect(learned(`d(p.n, z.n) < 290.5`, '100', own)).toEqual([`("d"(p."n", z."n") < 290.5)`]);
});

test("a table's own step, and the wider of two", () => {
  const of = (tables: FragmentOptions['tables'], bucketSteps?: string): string | undefined =>
    blockOf(`d(p.f8, z.f8) < 290`, { tables, bucketSteps }).conjuncts.map(({ template }) => template)[1];
  const steps = (place: string, zero?: string): FragmentOptions['tables'] =>
    new Map([
      ['public.place', { bucketSteps: place }],
      ...(zero === undefined ? [] : [['public.zero', { bucketSteps: zero }] as const]),
    ]);
  expect(of(steps('50'))).toContain(' < 300');
  expect(of(steps('50', '400'))).toContain(' < 400');
  expect(of(steps('0', '0'), '100')).toBeUndefined();
});

test('a widened condition holds wherever the one it came from does, in every type and form', async () => {
  const seed = Number(process.env['BUCKET_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const random = new Random(seed, 1);
  const checks: string[] = [];
  let widened = 0;
  for (let i = 0; i < 600; i++) {
    const condition = randomCondition(random, 2);
    const bucketSteps = random.pick(['100', '1', '0.1', '0.25', '7', '0.3', '1e6', '1e-3', '33.3']);
    const block = blockOf(condition, { bucketSteps });
    for (const conjunct of block.conjuncts) {
      checks.push(
        `select ${i} from place p, zero z where (${condition}) and (${textOf(block, conjunct)}) is not true`,
      );
      if (conjunct.notLearnedFor !== undefined) widened++;
    }
  }
  expect(widened).toBeGreaterThan(200);
  for (let from = 0; from < checks.length; from += 100) {
    const some = checks.slice(from, from + 100);
    const outcome = await bench.outcome(some.map((check) => `(${check})`).join(' union all '));
    const wrong =
      'rows' in outcome
        ? outcome.rows.map((row) => checks.filter((check) => check.startsWith(`select ${row.slice(1, -1)} `)))
        : outcome;
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  }
});

function randomCondition(random: Random, depth: number): string {
  if (depth > 0 && random.chance(0.4)) {
    const [one, other] = [randomCondition(random, depth - 1), randomCondition(random, depth - 1)];
    return random.pick([
      `NOT (${one})`,
      `(${one} OR ${other})`,
      `NOT (${one} AND ${other})`,
      `(${one} AND NOT (${other}))`,
    ]);
  }
  const type = random.pick(types);
  const distance = distances[type];
  const operator = random.pick(['<', '<=', '>', '>=']);
  const [constant, other] = [randomConstant(type, random), randomConstant(type, random)];
  return random.pick([
    `${distance} ${operator} ${constant}`,
    `${constant} ${operator} ${distance}`,
    `${distance} BETWEEN ${random.pick(['', 'SYMMETRIC '])}${constant} AND ${other}`,
    `${distance} NOT BETWEEN ${random.pick(['', 'SYMMETRIC '])}${constant} AND ${other}`,
  ]);
}

/** Numbers that are multiples, nearly so, negative, large, with exponents; as a number, a string or a value of some type. */
function randomConstant(type: NumberType, random: Random): string {
  const whole = random.pick([
    0,
    1,
    3,
    99,
    100,
    101,
    290,
    300,
    random.int(0, 1000),
    ...(type === 'int2' ? [] : [999_999, 1_000_001, 2_500_000]),
  ]);
  const text = `${random.pick(['', '-'])}${whole}`;
  const fraction = random.pick(['.5', '.1', '.30', '.99999999', '.000001', 'e0', 'e-2', '.7e1']);
  const isWhole = type.startsWith('int');
  const number = random.chance(0.6) ? `${text}${fraction}` : text;
  return random.pick([
    number,
    number,
    `'${isWhole ? text : number}'`,
    `'${isWhole ? text : number}'::${type}`,
    `'${number}'::numeric`,
    `'${number}'::float8`,
    `'${text}'::int8`,
  ]);
}

describe('statements with other distances', () => {
  const options = { ...defaultFragmentOptions, bucketSteps: '100' };

  test('share what is known, and keep their rows', async () => {
    await using other = await RuleBench.open([{ ...key, fragments: options }], schema);
    const both = (bound: string): string =>
      `select p.region, q.region from place p, place q where p.region = q.region and d(p.f8, q.f8) <= ${bound} and q.i2 < 5`;
    const fragments = await other.harness.learn(both('290'));
    expect(fragments.map(({ sql }) => sql).join()).toContain('<= 300');
    const known = new Set(fragments.map(({ hash }) => hash));
    for (const bound of ['205', '290', '300', '299.99', `'250'`]) {
      const plan = await other.harness.plan(both(bound));
      expect([bound, plan.kind]).toEqual([bound, 'rewrite']);
      if (plan.kind === 'rewrite')
        expect(await other.outcome(plan.text)).toEqual(await other.outcome(both(bound)));
      // Nothing is left to be learned.
      expect((await other.harness.learn(both(bound))).filter(({ hash }) => !known.has(hash))).toEqual([]);
    }
    const beyond = await other.harness.learn(both('301'));
    expect(beyond.map(({ sql }) => sql).join()).toContain('<= 400');
  });
});
