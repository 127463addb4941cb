import { Client } from 'pg';
import { readCatalog } from '../../../src/postgres/catalog/read-catalog';
import { openPool, type ControlPool } from '../../../src/postgres/control-pool';
import { resolveFunction, resolveOperator } from '../../../src/query/analysis/resolve';
import { TypeOid, type Catalog } from '../../../src/query/catalog/catalog';
import { hasPostgresBinaries, startPostgres, type PostgresServer } from '../../support/postgres-server';

const types = [
  'int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'text', 'varchar', 'bpchar', 'name', 'bool', 'date', 'time',
  'timestamp', 'timestamptz', 'interval', 'jsonb', 'json', 'int4[]', 'int8[]', 'text[]', 'varchar[]', 'int4range', 'int8multirange', 'inet',
  'uuid', 'oid', '"char"', 'small', 'words', 'mood', 'point', 'bytea',
] as const; // prettier-ignore

const operators = ['=', '<', '+', '-', '*', '/', '||', '@>', '&&', '~~', '->', '<<', '%', '==='] as const;
const prefixes = ['-', '+', '~', '@', '|/', '!!'] as const;
const functions = [
  'abs', 'lower', 'upper', 'length', 'substr', 'substring', 'round', 'floor', 'mod', 'power', 'date_trunc', 'date_part', 'age',
  'concat', 'format', 'left', 'btrim', 'array_append', 'array_position', 'array_length', 'isempty', 'to_char', 'timezone', 'position',
  'text', 'int8', 'num_nulls', 'jsonb_extract_path', 'int4range', 'pick', 'overlaps',
] as const; // prettier-ignore

/** Names that several schemas have, defaults, variable arguments, and casts that decide. */
const schema = `
  create domain small as int4;
  create domain words as varchar(10);
  create type mood as enum ('sad', 'ok');
  create schema first;
  create function first.equal(int4, int8) returns boolean immutable language sql as 'select true';
  create operator first.= (leftarg = int4, rightarg = int8, function = first.equal);
  create operator first.=== (leftarg = float8, rightarg = float8, function = float8eq);
  create function pick(int4, int4 default 1) returns int4 immutable language sql as 'select $1';
  create function pick(text) returns text immutable language sql as 'select $1';
  create function pick(variadic numeric[]) returns numeric immutable language sql as 'select $1[1]';
  create function first.pick(text) returns bool immutable language sql as 'select true';
  create function first.lower(anyelement, anyarray) returns anyarray immutable language sql as 'select $2';

  -- What PostgreSQL takes for an expression: the operator or function of its parse tree, and the type of its value.
  create function chosen(expression text) returns text language plpgsql as $$
  declare found text;
  begin
    execute 'create view probe as select ' || expression || ' as x';
    select (regexp_match(r.ev_action, '\\{(?:OPEXPR :opno|FUNCEXPR :funcid) (\\d+)'))[1] || ' ' || a.atttypid
      into found
      from pg_rewrite as r join pg_attribute as a on a.attrelid = r.ev_class
     where r.ev_class = 'probe'::regclass;
    raise exception using errcode = 'PT001', message = found;
  exception
    when sqlstate 'PT001' then return sqlerrm;
    when others then return null;
  end $$;
`;

const searchPath = ['first', 'pg_catalog', 'public'];

describe.each([
  ['PostgreSQL 18', 'embedded'],
  ['PostgreSQL 15', 'debian15'],
] as const)('resolution of overloaded names, against %s', (title, binaries) => {
  const isThere = hasPostgresBinaries(binaries);
  const testHere = isThere ? test : test.skip;
  const skipped = isThere ? '' : ` (skipped: there is no ${title} here)`;
  let server: PostgresServer;
  let client: Client;
  let pool: ControlPool;
  let catalog: Catalog;
  const oids = new Map<string, number>([['null', TypeOid.unknown]]);

  beforeAll(async () => {
    if (!isThere) return;
    server = await startPostgres({ binaries });
    const connection = server.connectionOptions(await server.createDatabase());
    client = new Client(connection);
    await client.connect();
    await client.query(schema);
    await client.query('set search_path = first, pg_catalog, public');
    pool = openPool(connection);
    catalog = await readCatalog(pool, []);
    const { rows } = await client.query<{ type: string; oid: number }>(
      'select type, type::regtype::oid as oid from unnest($1::text[]) as type',
      [types],
    );
    for (const { type, oid } of rows) oids.set(`null::${type}`, oid);
  });

  afterAll(async () => {
    if (!isThere) return;
    await client.end();
    await pool[Symbol.asyncDispose]();
    await server.stop();
  });

  interface Case {
    readonly text: string;
    readonly found: { readonly oid: number; readonly resultOid: number } | undefined;
  }

  /** Of the cases that both sides have an answer for, all must agree; `share` of PostgreSQL's must have one here. */
  async function expectAgreement(cases: readonly Case[], share: number): Promise<void> {
    const { rows } = await client.query<{ chosen: string | null }>(
      'select chosen(text) from unnest($1::text[]) with ordinality as e (text, i) order by i',
      [cases.map(({ text }) => text)],
    );
    let known = 0;
    let total = 0;
    const wrong: string[] = [];
    for (const [i, { text, found }] of cases.entries()) {
      const theirs = rows[i]?.chosen ?? undefined;
      if (theirs === undefined) continue;
      total++;
      if (found === undefined) continue;
      known++;
      const [oid, resultOid] = theirs.split(' ').map(Number);
      const isSameType = found.resultOid === 0 || found.resultOid === resultOid;
      if (found.oid !== oid || !isSameType)
        wrong.push(`${text}: ${theirs}, not ${found.oid} ${found.resultOid}`);
    }
    expect(wrong).toEqual([]);
    expect(total).toBeGreaterThan(100);
    expect(known / total).toBeGreaterThan(share);
  }

  const operands = ['null', ...types.map((type) => `null::${type}`)];
  const oid = (operand: string): number => oids.get(operand) ?? 0;

  testHere(`binary operators${skipped}`, async () => {
    const cases = operators.flatMap((name) =>
      operands.flatMap((left) =>
        operands.map((right) => ({
          text: `${left} ${name} ${right}`,
          found: resolveOperator(catalog, searchPath, { schema: undefined, name }, oid(left), oid(right)),
        })),
      ),
    );
    await expectAgreement(cases, 0.98);
  });

  testHere(`prefix operators and functions${skipped}`, async () => {
    const ofOne = prefixes.flatMap((name) =>
      operands.map((operand) => ({
        text: `${name} ${operand}`,
        found: resolveOperator(catalog, searchPath, { schema: undefined, name }, undefined, oid(operand)),
      })),
    );
    const calls = functions.flatMap((name) =>
      [
        ...operands.map((operand) => [operand]),
        ...operands.flatMap((one) => operands.map((other) => [one, other])),
        ...operands.map((operand) => ['null::text', 'null::int4', operand]),
        ['null::date', 'null::date', 'null::date', 'null::date'],
      ].map((args) => ({
        text: `${name === 'position' ? 'pg_catalog."position"' : name === 'overlaps' ? 'pg_catalog."overlaps"' : name}(${args.join(', ')})`,
        found: resolveFunction(
          catalog,
          searchPath,
          { schema: name === 'position' || name === 'overlaps' ? 'pg_catalog' : undefined, name },
          args.map(oid),
        ),
      })),
    );
    await expectAgreement([...ofOne, ...calls], 0.9);
  });
});
