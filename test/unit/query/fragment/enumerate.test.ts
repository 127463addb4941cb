import { loadParser } from '../../../../src/query/ast/parser';
import { enumerateFragments } from '../../../../src/query/fragment/enumerate';
import type { Fragment } from '../../../../src/query/fragment/fragment';
import { firstBlock, smallContext } from '../../../support/analyse-text';
import { column, relation, smallCatalog, smallRows } from '../../../support/small-catalog';
import { TypeOid } from '../../../../src/query/catalog/catalog';

const { int4, float8, text } = TypeOid;
const city = (oid: number, name: string, ...columns: readonly string[]): ReturnType<typeof relation> =>
  relation(oid, 'public', name, [
    column('city_id', int4),
    ...columns.map((each) => column(each, each === 'name' ? text : each === 'total' ? float8 : int4)),
  ]);

/** The tables of the partition-join examples: users and orders of cities, and the table of cities between them. */
const context = smallContext({
  catalog: smallCatalog({
    relations: [
      ...smallRows.relations,
      city(40_001, 'users', 'age', 'id'),
      city(40_002, 'orders', 'total', 'user_id'),
      city(40_003, 'p0_city', 'active'),
      city(40_004, 'visits', 'age'),
    ],
  }),
  partitionKeys: [
    {
      name: 'city',
      datatype: 'integer',
      tables: new Map(['users', 'orders', 'p0_city', 'visits'].map((name) => [`public.${name}`, 'city_id'])),
    },
  ],
});

const at = { id: 'context', settings: { TimeZone: 'UTC' } };

function fragmentsOf(sql: string): readonly Fragment[] {
  const block = firstBlock(sql, context);
  return block.classes.flatMap((keyClass) => enumerateFragments(block, keyClass, at));
}

const sqlOf = (query: string): readonly string[] =>
  fragmentsOf(query).map(({ sql }) => sql.replaceAll('"public".', ''));
const hashesOf = (query: string): readonly string[] => fragmentsOf(query).map(({ hash }) => hash);

beforeAll(loadParser);

describe('the partition-join table is added back to every fragment', () => {
  const star = 'from users u, orders o, p0_city p0 where u.city_id = p0.city_id and o.city_id = p0.city_id';

  test('without a condition of its own', () => {
    expect(sqlOf(`select * ${star} and u.age > 25 and o.total > 100`)).toEqual([
      'SELECT DISTINCT t1."city_id" FROM "p0_city" AS t1, "users" AS t2 WHERE (25 < t2."age") AND t1."city_id" OPERATOR(pg_catalog.=) t2."city_id"',
      'SELECT DISTINCT t1."city_id" FROM "orders" AS t1, "p0_city" AS t2 WHERE (100 < t1."total") AND t1."city_id" OPERATOR(pg_catalog.=) t2."city_id"',
    ]);
  });

  test('tables that a condition connects are one fragment, and each with conditions of its own another', () => {
    const fragments = fragmentsOf(`select * ${star} and u.age > 25 and o.total > 100 and u.id = o.user_id`);
    expect(fragments.map(({ tables }) => tables.map(({ name }) => name))).toEqual([
      ['orders', 'p0_city', 'users'],
      ['p0_city', 'users'],
      ['orders', 'p0_city'],
    ]);
    expect(fragments[0]?.conjuncts).toHaveLength(3);
  });

  test('refuses: a table with a condition is no partition-join table', () => {
    const fragments = fragmentsOf(`select * ${star} and u.age > 25 and o.total > 100 and p0.active = 1`);
    expect(fragments.map(({ tables }) => tables.map(({ name }) => name))).toEqual([
      ['users'],
      ['orders'],
      ['p0_city'],
    ]);
  });

  test('one of several, the first by alias', () => {
    const fragments = fragmentsOf(
      `select * from users u, p0_city b, p0_city a where u.city_id = a.city_id and a.city_id = b.city_id and u.age > 25`,
    );
    expect(fragments.map(({ tables }) => tables.length)).toEqual([2]);
  });
});

describe('fragments of a class', () => {
  test('a chain of connected tables gives each connected set', () => {
    const chain = 'from users a, users b, users c where a.city_id = b.city_id and b.city_id = c.city_id';
    const fragments = fragmentsOf(
      `select * ${chain} and a.age = 1 and b.age = 2 and c.age = 3 and a.id < b.id and b.id < c.id`,
    );
    expect(fragments.map(({ tables }) => tables.length)).toEqual([3, 2, 2, 1, 1, 1]);
  });

  test('tables that only the key connects are not combined', () => {
    expect(
      fragmentsOf(
        'select * from users a, users b where a.city_id = b.city_id and a.age = 1 and b.age = 2',
      ).map(({ tables }) => tables.length),
    ).toEqual([1, 1]);
  });

  test.each([
    ['no condition', 'select * from users'],
    ['a condition that stays out', `select * from users where age < length(current_setting('x'))`],
    ['conditions across two classes', 'select * from users a, users b where a.age < b.age'],
  ])('refuses: %s', (_title, sql) => {
    expect(fragmentsOf(sql)).toEqual([]);
  });

  test('a condition across classes is in none of their fragments', () => {
    expect(sqlOf('select * from users a, users b where a.age < b.age and a.id = 1')).toEqual([
      'SELECT DISTINCT t1."city_id" FROM "users" AS t1 WHERE (1 = t1."id")',
    ]);
  });

  test('enumeration is bounded', () => {
    const names = Array.from({ length: 12 }, (_, i) => `u${i}`);
    const keys = names.slice(1).map((name) => `u0.city_id = ${name}.city_id`);
    const all = names.flatMap((a, i) => names.slice(i + 1).map((b) => `${a}.age <= ${b}.age`));
    const ages = names.map((name, i) => `${name}.id = ${i}`);
    const from = names.map((name) => `users ${name}`).join(', ');
    expect(
      fragmentsOf(`select * from ${from} where ${[...keys, ...all, ...ages].join(' and ')}`).length,
    ).toBeLessThanOrEqual(32);
  });

  test('ONLY is part of it', () => {
    expect(sqlOf('select * from only users where age = 1')).toEqual([
      'SELECT DISTINCT t1."city_id" FROM ONLY "users" AS t1 WHERE (1 = t1."age")',
    ]);
  });
});

describe('a fragment has one hash', () => {
  const reference =
    'select * from users u, orders o where u.city_id = o.city_id and u.age > 25 and o.total > 100 and u.id = o.user_id';

  test.each([
    [
      'order of tables',
      'select * from orders o, users u where u.city_id = o.city_id and u.age > 25 and o.total > 100 and u.id = o.user_id',
    ],
    [
      'order of conditions',
      'select * from users u, orders o where u.id = o.user_id and o.total > 100 and u.age > 25 and u.city_id = o.city_id',
    ],
    [
      'orientation',
      'select * from users u, orders o where o.city_id = u.city_id and 25 < u.age and 100 < o.total and o.user_id = u.id',
    ],
    [
      'aliases',
      'select * from users o, orders "Z" where o.city_id = "Z".city_id and o.age > 25 and "Z".total > 100 and o.id = "Z".user_id',
    ],
    [
      'JOIN … USING',
      'select count(*) from users u join orders o using (city_id) where u.age > 25 and o.total > 100 and u.id = o.user_id',
    ],
    [
      'white space and comments',
      'SELECT*FROM users u,orders o WHERE u.city_id=o.city_id/**/AND u.age>25 AND o.total>100 AND u.id=o.user_id--',
    ],
    [
      'an outer join around it',
      'select * from (users u join orders o on u.city_id = o.city_id) left join visits v on true where u.age > 25 and o.total > 100 and u.id = o.user_id',
    ],
  ])('under another %s', (_title, other) => {
    expect(new Set(hashesOf(other))).toEqual(new Set(hashesOf(reference)));
  });

  test('and a self-join has one, whichever occurrence comes first', () => {
    const one =
      'select * from users a, users b where a.city_id = b.city_id and a.age = 1 and b.age = 2 and a.id < b.id';
    const other =
      'select * from users b, users a where a.city_id = b.city_id and b.age = 1 and a.age = 2 and b.id < a.id';
    const reversed =
      'select * from users a, users b where a.city_id = b.city_id and a.age = 1 and b.age = 2 and a.id > b.id';
    expect(hashesOf(other)[0]).toBe(hashesOf(one)[0]);
    expect(hashesOf(reversed)[0]).not.toBe(hashesOf(one)[0]);
  });

  test.each([
    ['constant', 'select * from users where age > 25', 'select * from users where age > 26'],
    ['type of constant', 'select * from users where age = 25', 'select * from users where age = 25.0'],
    ['operator', 'select * from users where age > 25', 'select * from users where age >= 25'],
    ['column', 'select * from users where age > 25', 'select * from users where id > 25'],
    ['table', 'select * from users where age > 25', 'select * from visits where age > 25'],
    ['ONLY', 'select * from users where age > 25', 'select * from only users where age > 25'],
    [
      'constant that only quotes tell apart',
      `select * from users where age::text = 'a'`,
      `select * from users where age::text = '''a'''`,
    ],
  ])('refuses: another under another %s', (_title, one, other) => {
    expect(hashesOf(one)).toHaveLength(hashesOf(other).length);
    expect(hashesOf(one)).not.toEqual(hashesOf(other));
  });

  test('refuses: another context is another fragment', () => {
    const block = firstBlock('select * from users where age > 25', context);
    const hash = (id: string): string | undefined =>
      block.classes.flatMap((keyClass) => enumerateFragments(block, keyClass, { id, settings: {} }))[0]?.hash;
    expect(hash('one')).not.toBe(hash('other'));
  });

  test('a fragment carries what running and matching it needs', () => {
    expect(fragmentsOf('select * from users where age > 25')).toMatchObject([
      {
        partitionKey: 'city',
        datatype: 'integer',
        tables: [{ schema: 'public', name: 'users', only: false, keyColumn: 'city_id' }],
        conjuncts: [{ template: '(25 < {0}."age")', slots: [0] }],
        contextId: 'context',
        settings: { TimeZone: 'UTC' },
      },
    ]);
  });
});
