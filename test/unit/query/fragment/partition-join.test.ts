import { loadParser } from '../../../../src/query/ast/parser';
import { TypeOid } from '../../../../src/query/catalog/catalog';
import { enumerateFragments } from '../../../../src/query/fragment/enumerate';
import {
  defaultFragmentOptions,
  type FragmentOptions,
} from '../../../../src/query/fragment/fragment-options';
import { firstBlock, smallContext } from '../../../support/analyse-text';
import { column, relation, smallCatalog, smallRows } from '../../../support/small-catalog';

const { int4, float8, bool } = TypeOid;
const tables = ['users', 'orders', 'p0_city', 'P0_old', 'city_map', 'active_cities'];
const catalog = smallCatalog({
  relations: [
    ...smallRows.relations,
    ...tables.map((name, i) =>
      relation(41_000 + i, 'public', name, [
        column('city_id', int4),
        column('id', int4),
        ...(name === 'users' ? [column('age', int4)] : []),
        ...(name === 'orders' ? [column('total', float8), column('user_id', int4)] : []),
        ...(name.startsWith('p0') ? [column('active', bool)] : []),
      ]),
    ),
  ],
});

/** The fragments of a query as a set of SQL texts, with the names as they are written in the examples. */
function sqlOf(text: string, options: Partial<FragmentOptions> = {}): ReadonlySet<string> {
  const fragments = { ...defaultFragmentOptions, ...options };
  const key = {
    name: 'city',
    datatype: 'integer' as const,
    tables: new Map(tables.map((name) => [`public.${name}`, 'city_id'])),
    fragments,
  };
  const block = firstBlock(text, smallContext({ catalog, partitionKeys: [key] }));
  return new Set(
    block.classes
      .flatMap((keyClass) => enumerateFragments(block, keyClass, { id: 'context', settings: {} }))
      .map(({ sql }) =>
        sql
          .replaceAll('"public".', '')
          .replaceAll('OPERATOR(pg_catalog.=)', '=')
          .replaceAll(/"(\w+)"/g, '$1'),
      ),
  );
}

beforeAll(loadParser);

/** The examples of the document on partition-join tables; tables are in order of their names and conditions in ours. */
describe('the worked examples', () => {
  const star = 'FROM users u, orders o, p0_city p0 WHERE u.city_id = p0.city_id AND o.city_id = p0.city_id';
  const users =
    'SELECT DISTINCT t1.city_id FROM p0_city AS t1, users AS t2 WHERE (25 < t2.age) AND t1.city_id = t2.city_id';
  const orders =
    'SELECT DISTINCT t1.city_id FROM orders AS t1, p0_city AS t2 WHERE (100 < t1.total) AND t1.city_id = t2.city_id';
  const both =
    'SELECT DISTINCT t1.city_id FROM orders AS t1, p0_city AS t2, users AS t3 WHERE (100 < t1.total) AND (25 < t3.age) AND t1.city_id = t2.city_id AND t1.city_id = t3.city_id';
  const example = `SELECT * ${star} AND u.age > 25 AND o.total > 100`;

  test('users and orders of a city, each with P0, and both with P0', () => {
    expect(sqlOf(example, { followGraph: false })).toEqual(new Set([users, orders, both]));
  });

  test('with the graph followed nothing but the key connects users and orders', () => {
    expect(sqlOf(example)).toEqual(new Set([users, orders]));
  });

  test('with the graph followed a condition on both connects them', () => {
    const joined = both.replace('AND t1.city_id = t2', 'AND (t1.user_id = t3.id) AND t1.city_id = t2');
    expect(sqlOf(`${example} AND u.id = o.user_id`)).toEqual(new Set([users, orders, joined]));
  });

  test.each([[true], [false]])(
    'P0 with a condition is not left out and not added (follow_graph %p)',
    (followGraph) => {
      expect(sqlOf(`SELECT * ${star} AND p0.active = true`, { followGraph })).toEqual(
        // orders is now the one that only joins.
        new Set([
          'SELECT DISTINCT t1.city_id FROM orders AS t1, p0_city AS t2 WHERE (TRUE = t2.active) AND t1.city_id = t2.city_id',
        ]),
      );
    },
  );

  test.each([[true], [false]])(
    'P0 with a condition on the key: with and without it (follow_graph %p)',
    (followGraph) => {
      const text = `SELECT * ${star} AND p0.city_id IN (SELECT city_id FROM active_cities) AND u.age > 25`;
      const active = users.replace(
        ' AND t1',
        ' AND (t1.city_id = ANY (SELECT s1_1.city_id FROM active_cities AS s1_1)) AND t1',
      );
      expect(sqlOf(text, { followGraph })).toEqual(new Set([users, active]));
    },
  );

  test('P0 with a list of keys: with and without them', () => {
    const text = `SELECT * ${star} AND p0.city_id IN (1, 2) AND u.age > 25`;
    const listed =
      'SELECT DISTINCT t1.city_id FROM p0_city AS t1, users AS t2 WHERE (25 < t2.age) AND (t1.city_id IN (1, 2)) AND (t2.city_id IN (1, 2)) AND t1.city_id = t2.city_id';
    expect(sqlOf(text)).toEqual(new Set([users, listed]));
  });
});

describe('how the partition-join table is found', () => {
  /** The tables of the fragment over users. */
  const joined = (from: string, where: string, options: Partial<FragmentOptions> = {}): string => {
    const [fragment = ''] = sqlOf(`select * from users u, ${from} where u.age > 25 and ${where}`, options);
    return / FROM (.*) WHERE/.exec(fragment)?.[1]?.replaceAll(/ AS t\d/g, '') ?? '';
  };
  const mapped = ['city_map m', 'u.city_id = m.city_id'] as const;
  const p0 = ['p0_city c', 'u.city_id = c.city_id'] as const;
  const two = ['city_map m, p0_city c', 'u.city_id = m.city_id and c.city_id = m.city_id'] as const;
  const off = { autoDetectPartitionJoin: false };

  test('smart: by what it does, whatever its name', () => {
    expect(joined(...mapped)).toBe('city_map, users');
  });

  test('smart: not where that is switched off', () => {
    expect(joined(...mapped, off)).toBe('users');
  });

  test('by name: p0…, in either case, also where the smart way is switched off', () => {
    expect(joined(...p0, off)).toBe('p0_city, users');
    expect(joined('"P0_old" x', 'u.city_id = x.city_id', off)).toBe('P0_old, users');
  });

  test('one per block, the first in alphabet, whatever the aliases', () => {
    const three = 'city_map z, city_map y, active_cities x';
    const where = 'u.city_id = z.city_id and y.city_id = z.city_id and x.city_id = z.city_id';
    expect(joined(three, where)).toBe('active_cities, users');
    expect(joined('city_map a, active_cities b', 'u.city_id = b.city_id and a.city_id = b.city_id')).toBe(
      'active_cities, users',
    );
    const named = '"P0_old" a, p0_city b';
    expect(joined(named, 'u.city_id = a.city_id and a.city_id = b.city_id', off)).toBe('P0_old, users');
  });

  test('by name: before what is found by what it does', () => {
    expect(joined(...two)).toBe('p0_city, users');
  });

  test.each(['m', 'city_map', 'public.city_map'])(
    'explicit: %s, as alias or name, comes before what is found',
    (name) => {
      expect(joined(...two, { partitionJoinTable: name })).toBe('city_map, users');
    },
  );

  test('explicit: a table that is not in the block leaves the others to be found', () => {
    expect(joined(...mapped, { partitionJoinTable: 'orders' })).toBe('city_map, users');
    expect(joined(...mapped, { ...off, partitionJoinTable: 'orders' })).toBe('users');
    expect(joined(...mapped, { ...off, partitionJoinTable: 'm' })).toBe('city_map, users');
  });

  test('refuses: a table with a condition of its own, whoever says so', () => {
    const [from, where] = p0;
    const fragments = sqlOf(`select * from users u, ${from} where u.age > 25 and c.active and ${where}`, {
      partitionJoinTable: 'c',
    });
    expect(fragments).toEqual(
      new Set([
        'SELECT DISTINCT t1.city_id FROM users AS t1 WHERE (25 < t1.age)',
        'SELECT DISTINCT t1.city_id FROM p0_city AS t1 WHERE t1.active',
      ]),
    );
  });

  test('refuses: a table that is joined on something else', () => {
    expect(joined('city_map m', 'u.id = m.id')).toBe('users');
  });
});

describe('conditions that are left out or taken away', () => {
  const text =
    'select * from users u, orders o where u.city_id = o.city_id and u.age > 25 and u.id = 3 and o.total > 100';
  const ofUsers = (condition: string): string =>
    `SELECT DISTINCT t1.city_id FROM users AS t1 WHERE ${condition}`;
  const orders = 'SELECT DISTINCT t1.city_id FROM orders AS t1 WHERE (100 < t1.total)';

  test('remove_constraints_all: none that names the column', () => {
    expect(sqlOf(text, { removeConstraintsAll: ['age'] })).toEqual(new Set([ofUsers('(3 = t1.id)'), orders]));
  });

  test('remove_constraints_all: a table without another condition becomes the partition-join table', () => {
    expect(sqlOf(text, { removeConstraintsAll: ['age', 'id'] })).toEqual(
      new Set([
        'SELECT DISTINCT t1.city_id FROM orders AS t1, users AS t2 WHERE (100 < t1.total) AND t1.city_id = t2.city_id',
      ]),
    );
  });

  test('remove_constraints_add: with and without', () => {
    expect(sqlOf(text, { removeConstraintsAdd: ['age'] })).toEqual(
      new Set([ofUsers('(25 < t1.age) AND (3 = t1.id)'), ofUsers('(3 = t1.id)'), orders]),
    );
  });

  test('a table has its own list', () => {
    const own = { tables: new Map([['public.users', { removeConstraintsAll: ['age'] }]]) };
    expect(sqlOf(text, { ...own, removeConstraintsAll: ['id', 'total'] })).toEqual(
      new Set([
        ofUsers('(3 = t1.id)').replace(
          'FROM users AS t1 WHERE (3 = t1.id)',
          'FROM orders AS t1, users AS t2 WHERE (3 = t2.id) AND t1.city_id = t2.city_id',
        ),
      ]),
    );
  });

  test('refuses: a column of another name, and a name inside a constant', () => {
    expect(sqlOf(text, { removeConstraintsAll: ['ag', 'AGE', 'users'] })).toEqual(sqlOf(text));
    const quoted = `select * from users where id::text = '{0}."age"'`;
    expect(sqlOf(quoted, { removeConstraintsAll: ['age'] })).toEqual(sqlOf(quoted));
  });
});
