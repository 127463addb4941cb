import type { Fragment } from '../../../src/query/fragment/fragment';
import type { PartitionKeyType } from '../../../src/query/partition-key';
import { type InPlaceBackend, InPlaceDatabase } from '../../support/in-place-database';
import { makeFragment } from '../../support/make-fragment';
import { hasPostgresBinaries, type PostgresServer, startPostgres } from '../../support/postgres-server';

const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));

const oddTexts = [
  `''`,
  `' '`,
  `'it''s'`,
  `'a"b,{c}'`,
  `'NULL'`,
  `'a\\b'`,
  `E'a\\nb'`,
  `'Zürich'`,
  `'zürich'`,
  `'ä'`,
]
  .concat([`'東京'`, `'🏙'`, `'\ufffd'`, `'é'`, `'e\u0301'`, `'$1'`, `'-- x'`, `'B'`, `'a'`])
  .map((text) => `(${text}::text)`)
  .join(', ');
const oddFloats = `('-0'::float8), ('NaN'), ('Infinity'), ('-Infinity'), (0.1), (5e-324), (1e308), (-1.5), (0.30000000000000004)`;
const oddTimes = `(timestamp '2000-01-01'), ('infinity'), ('-infinity'), ('4714-11-24 BC'), ('294276-12-31 23:59:59.999999'), ('1999-12-31 23:59:59.999999')`;

/** Fragments, by what is odd about them. */
const fragments: readonly (readonly [InPlaceBackend, PartitionKeyType, string, string])[] = [
  [
    'postgresql_array',
    'integer',
    'the ends of the range',
    `values (-9223372036854775808), (9223372036854775807), (0), (-1), (9007199254740993)`,
  ],
  ['postgresql_array', 'integer', 'smallint', `values ((-32768)::int2), (32767::int2), (null)`],
  ['postgresql_array', 'integer', 'integer', `values (2147483647), (-2147483648), (7)`],
  [
    'postgresql_array',
    'integer',
    'a domain',
    `select unnest('{10,1}'::information_schema.cardinal_number[])`,
  ],
  ['postgresql_array', 'integer', 'no key', 'select 1 where false'],
  ['postgresql_array', 'integer', 'NULL alone', 'select null::int'],
  ['postgresql_array', 'integer', 'keys twice, and NULL twice', 'values (3), (null), (1), (3), (null)'],
  [
    'postgresql_array',
    'integer',
    'many rows, in no order',
    'select (n * 7919) % 1000 from generate_series(1, 1000) n',
  ],
  [
    'postgresql_array',
    'integer',
    'as many keys as there may be, and NULL',
    'select n from generate_series(1, 1000) n union all select null',
  ],
  ['postgresql_array', 'integer', 'one key too many', 'select n from generate_series(1, 1001) n'],
  ['postgresql_array', 'integer', 'far too many', 'select n from generate_series(1, 100000) n'],
  ['postgresql_array', 'integer', 'a comment at its end', 'select 5 -- five'],
  ['postgresql_array', 'integer', 'an error', 'select 1 / (n - 3) from generate_series(1, 5) n'],
  ['postgresql_array', 'integer', 'an unknown name', 'select nothing from nowhere'],
  ['postgresql_array', 'integer', 'a column of another type', `select 'abcd'::text`],
  ['postgresql_array', 'float', 'odd values', `values ${oddFloats}`],
  [
    'postgresql_array',
    'float',
    'both zeros, and NaN of two makings',
    `values ('-0'::float8), (0), ('NaN'), ('Infinity'::float8 - 'Infinity'::float8), (null)`,
  ],
  ['postgresql_array', 'float', 'real', `values (0.1::float4), ('-0'), ('NaN'), ('Infinity'), (null)`],
  ['postgresql_array', 'float', 'no key', 'select 1.5::float8 where false'],
  ['postgresql_array', 'text', 'odd values', `values ${oddTexts}, (null)`],
  ['postgresql_array', 'text', 'varchar', `values ('b'::varchar), ('a'), ('')`],
  [
    'postgresql_array',
    'text',
    'a collation of its own',
    `select c collate "und-x-icu" from (values ('b'), ('B'), ('a'), ('ä'), ('Z')) v (c)`,
  ],
  ['postgresql_array', 'text', 'no key', `select 'a'::text where false`],
  [
    'postgresql_array',
    'text',
    'too many bytes',
    `select repeat('x', 2000) || n from generate_series(1, 900) n`,
  ],
  ['postgresql_array', 'text', 'char(n), which no key is read from', `select 'abc'::char(5)`],
  ['postgresql_array', 'timestamp', 'odd values', `values ${oddTimes}, (null)`],
  [
    'postgresql_array',
    'timestamp',
    'with time zone',
    `values (timestamptz '2000-01-01 00:00:00+00'), ('infinity'), ('-infinity'), ('2024-07-01 12:00:00.000001+05:30')`,
  ],
  [
    'postgresql_array',
    'timestamp',
    'dates',
    `values (date '2000-01-02'), ('infinity'), ('-infinity'), ('4714-11-24 BC')`,
  ],
  ['postgresql_array', 'timestamp', 'a date beyond all timestamps', `values (date '5874897-12-31')`],
  ['postgresql_array', 'timestamp', 'no key', 'select now()::timestamp where false'],
  [
    'postgresql_bit',
    'integer',
    'far apart, first and last of a byte',
    'values (0), (7), (8), (15), (16), (64), (99999), (null)',
  ],
  ['postgresql_bit', 'integer', 'zero alone', 'values (0::int8)'],
  ['postgresql_bit', 'integer', 'all of a range', 'select n from generate_series(0, 999) n'],
  ['postgresql_bit', 'integer', 'no key', 'select 1 where false'],
  ['postgresql_bit', 'integer', 'NULL alone', 'select null::int8'],
  ['postgresql_bit', 'integer', 'the first without room', 'values (1), (200000), (100000)'],
  ['postgresql_bit', 'integer', 'all without room', 'values (200000), (100000)'],
  ['postgresql_bit', 'integer', 'a negative one', 'values (1), (-1), (100000)'],
  ['postgresql_bit', 'integer', 'negative ones alone', 'values (-7), (-1)'],
  ['postgresql_bit', 'integer', 'one key too many', 'select n from generate_series(0, 1000) n'],
];

describe.each(versions)('an entry computed in place, PostgreSQL (%s)', (binaries) => {
  let server: PostgresServer;
  let database: InPlaceDatabase;

  beforeAll(async () => {
    server = await startPostgres({ binaries });
    database = await InPlaceDatabase.open(
      server,
      `create table place (place_id int primary key, region_id int)`,
    );
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await server.stop();
  });
  beforeEach(() => {
    database.refusals.length = 0;
  });

  /** Of fragments that fail, the other way tells why. */
  const goesThrough = /error|unknown name|another type|char\(n\)|beyond all/;

  test.each(fragments)('%s, %s: %s is what it is through the proxy', async (name, datatype, what, sql) => {
    const backend = await database.openBackend(name, datatype);
    const fragment: Fragment = makeFragment(sql, { datatype });
    const rows = [];
    for (const inPlace of [backend, undefined]) {
      const run = await database.populate(fragment, database.source(inPlace), backend);
      const entry = await backend.get('region', fragment.hash);
      rows.push({
        row: await database.storedRow(),
        bytes: await database.storedBytes(),
        keys: entry?.keys && [...entry.keys.values()],
      });
      // Through the proxy as in place: what there is no room for is reported as the failure it is.
      expect(run?.status).toBe(entry?.status);
      if (run?.status === 'ok') expect(run.isInPlace).toBe(inPlace !== undefined && !goesThrough.test(what));
      expect(Math.abs(Date.now() - (entry?.createdAt ?? 0))).toBeLessThan(20_000);
      expect(entry?.computeMs).toBeLessThan(20_000);
      await database.forget();
    }
    expect(rows[0]).toEqual(rows[1]);
    expect(database.refusals).toHaveLength(goesThrough.test(what) ? 1 : 0);
    await backend.dropPartitionKey('region');
    await backend[Symbol.asyncDispose]();
  });
});
