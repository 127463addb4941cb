import type { TrackedKey } from '../../../src/engine/database-engine';
import { defaultFragmentOptions, type FragmentOptions } from '../../../src/query/fragment/fragment-options';
import { EngineHarness, multiset } from '../../support/engine-harness';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { regionKey, regionSchema } from '../../support/rule-bench';

interface Warning {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

let server: PostgresServer;
let database: string;
const warnings: Warning[] = [];
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields: object, message: string) => warnings.push({ fields: { ...fields }, message }),
};

beforeAll(async () => {
  server = await startPostgres();
  database = await server.createDatabase();
  await using harness = await EngineHarness.open(server.connectionOptions(database), [regionKey]);
  await harness.client.query(regionSchema);
});

afterAll(() => server.stop());
beforeEach(() => {
  warnings.length = 0;
});

const keyWith = (options: Partial<FragmentOptions>): TrackedKey => ({
  ...regionKey,
  fragments: { ...defaultFragmentOptions, ...options },
});
const open = (options: Partial<FragmentOptions>): Promise<EngineHarness> =>
  EngineHarness.open(server.connectionOptions(database), [keyWith(options)], { log });
const sqlOf = (fragments: readonly { readonly sql: string }[]): readonly string[] =>
  fragments.map(({ sql }) =>
    sql.replaceAll('"', '').replaceAll('public.', '').replace('SELECT DISTINCT t1.region_id FROM ', ''),
  );

/** Plans and runs both forms; resolves to whether it was restricted. */
async function isRestricted(harness: EngineHarness, text: string): Promise<boolean> {
  const plan = await harness.plan(text);
  if (plan.kind !== 'rewrite') return false;
  expect(multiset(await harness.run(plan.text))).toEqual(multiset(await harness.run(text)));
  return true;
}

describe('add_constraints', () => {
  const place = (condition: string): Partial<FragmentOptions> => ({
    addConstraints: new Map([['public.place', condition]]),
  });
  const few = 'select id from place where population < 50';

  test('fragments are learned with the condition as well, and serve statements that have it', async () => {
    await using harness = await open(place(`kind = 'k1'`));
    expect(sqlOf(await harness.learn(few))).toEqual([
      'place AS t1 WHERE (t1.population < 50)',
      "place AS t1 WHERE ('k1' = t1.kind) AND (t1.population < 50)",
    ]);
    expect(await isRestricted(harness, `${few} and kind = 'k1'`)).toBe(true);
  });

  test('refuses: a statement without the condition is not restricted by what was learned with it', async () => {
    await using harness = await open({ ...place(`kind = 'k1'`) });
    const [plain, added] = await harness.learn(few);
    if (plain === undefined || added === undefined) throw new Error('not learned');
    await harness.backend.delete('region', plain.hash);
    for (const text of [few, `${few} and kind = 'k2'`, `${few} or kind = 'k1'`])
      expect(await harness.plan(text)).toMatchObject({ kind: 'forward', reason: 'miss' });
    expect(await isRestricted(harness, `${few} and 'k1' = kind`)).toBe(true);
  });

  test('a table of the block without it, and a condition the block has anyway, add nothing', async () => {
    await using harness = await open(place('population < 50'));
    expect(await harness.learn(few)).toHaveLength(1);
    const region = `select * from region where name = 'r1'`;
    expect(await harness.learn(region)).toHaveLength(1);
  });

  test.each([
    ['a column that is not there', 'colour = 1', 'outer reference or unknown table'],
    ['a volatile function', 'random() < 0.5', 'volatile function'],
    ['a stable one', "population < length(current_setting('x'))", 'function is not immutable'],
    ['no condition', 'kind =', 'syntax error at end of input'],
    ['more than a condition', 'true group by id', 'it is no condition'],
    ['another statement', 'true; select 1', 'it is no condition'],
    ['a parameter', 'population < $1', 'unbound parameter'],
  ])('refuses: %s, and says so', async (_title, condition, problem) => {
    await using harness = await open(place(condition));
    expect(warnings.map(({ fields }) => fields['problem'])).toEqual([
      expect.stringContaining(`add_constraints has for public.place something is left out: ${problem}`),
    ]);
    expect(await harness.learn(few)).toHaveLength(1);
    expect(await isRestricted(harness, few)).toBe(true);
  });
});

describe('less in fragments', () => {
  const text = `select id from place where population < 50 and kind = 'k1'`;

  test('remove_constraints_all: what is known serves statements with any value of the column', async () => {
    await using harness = await open({ removeConstraintsAll: ['kind'] });
    expect(await harness.learn(text)).toHaveLength(1);
    for (const kind of ['k1', 'k2', 'none'])
      expect(await isRestricted(harness, text.replace('k1', kind))).toBe(true);
    expect(await harness.learn(text.replace('k1', 'k2'))).toEqual([]);
  });

  test('remove_constraints_add: the narrower one as well', async () => {
    await using harness = await open({ removeConstraintsAdd: ['kind'] });
    expect(await harness.learn(text)).toHaveLength(2);
    expect(await isRestricted(harness, text.replace('k1', 'k2'))).toBe(true);
    expect(await harness.learn(text.replace('k1', 'k2'))).toHaveLength(1);
  });

  test('follow_graph off: tables that only the key connects are one fragment as well', async () => {
    const joined =
      'select a.id from place a, place b where a.region_id = b.region_id and a.population < 20 and b.population > 990';
    await using harness = await open({ followGraph: false });
    expect((await harness.learn(joined)).map(({ tables }) => tables.length)).toEqual([2, 1, 1]);
    expect(await isRestricted(harness, joined)).toBe(true);
  });

  test('sizes: with nothing small enough to be learned, nothing is restricted', async () => {
    await using harness = await open({ minComponentSize: 2 });
    expect(await harness.learn(text)).toEqual([]);
    expect(await isRestricted(harness, text)).toBe(false);
  });
});

describe('warn_no_partition_key', () => {
  const outer = (id: number): string =>
    `select n.id from note n left join place p on p.id = n.place_id where n.id = ${id}`;
  const told = (): readonly unknown[] =>
    warnings.map(({ fields }) => [fields['partitionKeys'], fields['reasons']]);

  test('a kind of statement that reads tables of the key and has none to restrict is told of once', async () => {
    await using harness = await open({});
    await harness.learn(outer(1));
    await harness.learn(outer(2));
    expect(told()).toEqual([[['region'], ['outer join']]]);
    await harness.learn(`select count(*) from (place p join note n on n.place_id = p.id) as x`);
    expect(told()).toHaveLength(2);
  });

  test.each([
    ['that is restricted', 'select * from place where population < 5'],
    ['of other tables', 'select * from note where id = 1'],
    ['that is left alone for another reason', 'select * from place where population < 5 for update'],
  ])('refuses: a statement %s', async (_title, text) => {
    await using harness = await open({});
    await harness.learn(text);
    expect(told()).toEqual([]);
  });

  test('refuses: where it is switched off', async () => {
    await using harness = await open({ warnNoPartitionKey: false });
    await harness.learn(outer(1));
    expect(told()).toEqual([]);
  });
});
