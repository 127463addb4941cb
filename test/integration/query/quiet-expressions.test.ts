import { Client } from 'pg';
import { readCatalog } from '../../../src/postgres/catalog/read-catalog';
import { openPool } from '../../../src/postgres/control-pool';
import type { Expression } from '../../../src/query/analysis/expression';
import { isQuietCast } from '../../../src/query/analysis/raising/cast';
import { isQuietFunction } from '../../../src/query/analysis/raising/function';
import { isQuietOperator } from '../../../src/query/analysis/raising/operator';
import { resolveFunction, resolveOperator } from '../../../src/query/analysis/resolve';
import type { Catalog } from '../../../src/query/catalog/catalog';
import { hasPostgresBinaries, startPostgres, type PostgresServer } from '../../support/postgres-server';

/** Values at the edges of the builtin types, as PostgreSQL writes them. */
const edges: Readonly<Record<string, readonly string[]>> = {
  bool: ['t', 'f'],
  int2: ['-32768', '-1', '0', '1', '32767'],
  int4: ['-2147483648', '-1', '0', '1', '7', '100', '2147483647'],
  int8: ['-9223372036854775808', '-1', '0', '1', '9223372036854775807'],
  float4: ['-Infinity', '-3.4e38', '-1', '-0', '0', '1e-45', '0.1', '3.4e38', 'Infinity', 'NaN'],
  float8: ['-Infinity', '-1.7e308', '-1', '-0', '0', '5e-324', '0.1', '1e15', '1.7e308', 'Infinity', 'NaN'],
  numeric: [
    '-Infinity',
    `-${'9'.repeat(400)}`,
    '-1.50',
    '0',
    '0.00',
    `0.${'0'.repeat(300)}1`,
    `${'9'.repeat(400)}.${'9'.repeat(300)}`,
    '1e130000',
    'Infinity',
    'NaN',
  ],
  text: [
    '',
    ' ',
    'a',
    'é€😀',
    `%_\\`,
    '12',
    'NaN',
    ','.repeat(50),
    'x'.repeat(3000),
    'true',
    '2024-01-01',
    '{1}',
  ],
  varchar: ['', 'ab', 'é€😀', 'x'.repeat(3000)],
  bpchar: ['', '  ', 'ab ', 'é€😀'],
  name: ['', 'pg_class', 'é€😀'.repeat(5)],
  bytea: ['\\x', '\\x00', '\\xff00'],
  uuid: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  date: ['-infinity', '4713-01-01 BC', '0001-01-01', '2000-02-29', '5874897-12-31', 'infinity'],
  time: ['00:00', '24:00', '23:59:59.999999'],
  timestamp: [
    '-infinity',
    '4713-01-01 00:00 BC',
    '2000-02-29 12:00',
    '294276-12-31 23:59:59.999999',
    'infinity',
  ],
  timestamptz: [
    '-infinity',
    '4713-06-01 00:00+00 BC',
    '2000-02-29 12:00+00',
    '294276-12-30 23:59:59.999999+00',
    'infinity',
  ],
  interval: ['-178000000 years', '0', '1 month -1 day', '178000000 years', '2147483647 days'],
  jsonb: ['null', '0', '"a"', '[]', '[1, [2]]', '{}', '{"a": {"b": null}, "": 1}', '1e400'],
  inet: ['0.0.0.0/0', '10.0.0.1', '::/0', '2001:db8::1/64'],
  cidr: ['0.0.0.0/0', '10.0.0.0/8', '::/0'],
  oid: ['0', '4294967295'],
  'int4[]': ['{}', '{NULL}', '{1,2,NULL}', '{{1},{2}}', '[-5:-4]={1,2}', '{2147483647}'],
  'text[]': ['{}', '{NULL}', '{a,"",NULL}', '{{a},{b}}'],
  int4range: ['empty', '(,)', '[-2147483648,5)', '[1,2147483647)', '(,0)'],
  numrange: ['empty', '(,)', '[-Infinity,Infinity]', '[NaN,NaN]', '[1.0,1.00]'],
  daterange: ['empty', '(,)', '[-infinity,infinity)', '[2000-01-01,infinity]'],
};

/** A column of some table: nothing is known of its value. */
function column(typeOid: number): Expression {
  return { template: '{0}."x"', typeOid, mayRaise: false, isConstant: false, collations: [], reads: [] };
}

/** A constant, to be written where it is needed. */
function constant(typeOid: number, text: string): Expression {
  return { ...column(typeOid), template: text, isConstant: true, literalText: text };
}

interface Claim {
  readonly text: string;
  readonly from: readonly string[];
}

/** Everything that the lists of src/query/analysis/raising promise, tried on values that something would fail on. */
describe.each([
  ['PostgreSQL 18', 'embedded'],
  ['PostgreSQL 15', 'debian15'],
] as const)('what is known not to raise does not, in %s', (title, binaries) => {
  const isThere = hasPostgresBinaries(binaries);
  const testHere = isThere ? test : test.skip;
  const skipped = isThere ? '' : ` (skipped: there is no ${title} here)`;
  const types = Object.keys(edges);
  const oids = new Map<string, number>();
  const searchPath = ['pg_catalog', 'public'];
  let server: PostgresServer;
  let client: Client;
  let catalog: Catalog;

  beforeAll(async () => {
    if (!isThere) return;
    server = await startPostgres({ binaries });
    const connection = server.connectionOptions(await server.createDatabase());
    client = new Client(connection);
    await client.connect();
    const pool = openPool(connection);
    catalog = await readCatalog(pool, []);
    await pool[Symbol.asyncDispose]();
    const { rows } = await client.query<{ type: string; oid: number }>(
      'select type, type::regtype::oid as oid from unnest($1::text[]) as type',
      [types],
    );
    for (const { type, oid } of rows) oids.set(type, oid);
    for (const type of types) {
      await client.query(`create table "of ${type}" (x ${type})`);
      await client.query(
        `insert into "of ${type}" select unnest($1::text[])::${type} union all select null`,
        [edges[type]],
      );
    }
  });

  afterAll(async () => {
    if (!isThere) return;
    await client.end();
    await server.stop();
  });

  const oid = (type: string): number => oids.get(type) ?? 0;

  async function expectQuiet(claims: readonly Claim[], least: number): Promise<void> {
    expect(claims.length).toBeGreaterThan(least);
    const failed: string[] = [];
    for (const { text, from } of claims) {
      const tables = from.map((type, i) => `"of ${type}" as t${i}`).join(', ');
      try {
        await client.query(`select count(${text}) from ${tables}`);
      } catch (error) {
        failed.push(`${text} of ${from.join(' and ')}: ${error instanceof Error ? error.message : ''}`);
      }
    }
    expect(failed).toEqual([]);
  }

  testHere(`operators${skipped}`, async () => {
    const { rows } = await client.query<{ oprname: string }>(
      'select distinct oprname from pg_operator order by 1',
    );
    const claims: Claim[] = [];
    for (const { oprname: name } of rows) {
      const operator = { schema: undefined, name };
      for (const right of types) {
        const prefix = resolveOperator(catalog, searchPath, operator, undefined, oid(right));
        if (prefix?.operandOids[0] === oid(right) && isQuietOperator(catalog, prefix, [column(oid(right))]))
          claims.push({ text: `${name} t0.x`, from: [right] });
        for (const left of types) {
          const found = resolveOperator(catalog, searchPath, operator, oid(left), oid(right));
          const isExact = found?.operandOids[0] === oid(left) && found.operandOids[1] === oid(right);
          if (isExact && isQuietOperator(catalog, found, [column(oid(left)), column(oid(right))]))
            claims.push({ text: `t0.x ${name} t1.x`, from: [left, right] });
        }
      }
    }
    for (const [left, right] of [
      ['int2', 'int4'],
      ['int4', 'int4'],
      ['int8', 'int4'],
    ] as const)
      for (const name of ['/', '%'])
        for (const divisor of ['-1', '0', '1', '-7', '10']) {
          const found = resolveOperator(
            catalog,
            searchPath,
            { schema: undefined, name },
            oid(left),
            oid(right),
          );
          if (
            found !== undefined &&
            isQuietOperator(catalog, found, [column(oid(left)), constant(oid(right), divisor)])
          )
            claims.push({ text: `t0.x ${name} (${divisor})`, from: [left] });
        }
    await expectQuiet(claims, 200);
  });

  testHere(`casts${skipped}`, async () => {
    const claims = types.flatMap((from) =>
      types.flatMap((to) =>
        from !== to && isQuietCast(catalog, oid(from), oid(to))
          ? [{ text: `t0.x::${to}`, from: [from] }]
          : [],
      ),
    );
    await expectQuiet(
      [...claims, { text: 't0.x::varchar(2)', from: ['text'] }, { text: 't0.x::char(2)', from: ['text'] }],
      50,
    );
  });

  testHere(`functions${skipped}`, async () => {
    const { rows } = await client.query<{ proname: string }>(
      `select distinct proname from pg_proc where prokind = 'f' and not proretset and provolatile = 'i' order by 1`,
    );
    const constants = [
      ...['year', 'week', 'epoch', 'julian', 'hour', 'timezone', 'millennium', 'none'].map(
        (text) => ['text', text] as const,
      ),
      ...['-3', '0', '2'].map((text) => ['int4', text] as const),
    ];
    const claims: Claim[] = [];
    const claim = (name: string, args: readonly (string | readonly [string, string])[]): void => {
      const typeOf = (arg: string | readonly [string, string]): string =>
        typeof arg === 'string' ? arg : arg[0];
      const wanted = args.map((arg) => oid(typeOf(arg)));
      const expressions = args.map((arg) =>
        typeof arg === 'string' ? column(oid(arg)) : constant(oid(arg[0]), arg[1]),
      );
      // Asked before it is looked for among thousands.
      const assumed = { oid: 0, name, isImmutable: true, isBuiltin: true, resultOid: 0, operandOids: wanted };
      if (!isQuietFunction(catalog, assumed, expressions)) return;
      const found = resolveFunction(catalog, searchPath, { schema: undefined, name }, wanted);
      if (found?.operandOids.every((type, i) => type === wanted[i]) !== true) return;
      const columns = args.filter((arg) => typeof arg === 'string');
      let next = 0;
      const texts = args.map((arg) => (typeof arg === 'string' ? `t${next++}.x` : `'${arg[1]}'::${arg[0]}`));
      claims.push({ text: `pg_catalog."${name}"(${texts.join(', ')})`, from: columns });
    };
    for (const { proname: name } of rows) {
      for (const one of types) {
        claim(name, [one]);
        for (const other of types) claim(name, [one, other]);
        for (const value of constants) claim(name, [value, one]);
      }
      for (const value of constants) {
        claim(name, ['text', 'int4', value]);
        claim(name, ['text', 'text', value]);
      }
    }
    await expectQuiet(claims, 80);
  });
});
