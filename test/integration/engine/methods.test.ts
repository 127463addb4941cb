import type { Method } from '../../../src/query/rewrite/method';
import { multiset, EngineHarness } from '../../support/engine-harness';
import { hasPostgresBinaries, type PostgresBinaries } from '../../support/postgres-server';
import { RuleBench } from '../../support/rule-bench';

const region = {
  name: 'region',
  datatype: 'integer',
  maxKeyShare: 1,
  tables: new Map([
    ['public.place', 'region_id'],
    ['public.Region Of "X"', 'Region Id'],
    ['public.stop', 'region_id'],
  ]),
} as const;

const schema = `
  create table "Region Of ""X""" ("Region Id" bigint primary key, name text not null);
  create table place (id int primary key, region_id int, kind text, population int);
  insert into "Region Of ""X""" select i, 'r' || i from generate_series(1, 40) as i;
  insert into place
    select i, case when i % 17 = 0 then null else i % 40 + 1 end, 'k' || i % 13, i * 7919 % 1000 from generate_series(1, 2000) as i;
  create table stop (id int primary key, region_id int not null, kind text not null);
  insert into stop select i, i % 1000, 'k' || i / 1000 from generate_series(0, 99999) as i;
  create index on stop (region_id);
  analyze;
`;

const versions: readonly PostgresBinaries[] = ['embedded', 'debian15'];
const statements = [
  ['one table, NULL keys among its rows', `select * from place where population < 10`],
  [
    'a join, names that need quotes',
    `select "A""b".id, r.* from place "A""b" join "Region Of ""X""" r on r."Region Id" = "A""b".region_id and "A""b".population < 20`,
  ],
  [
    'whole rows, NATURAL and *',
    `select p, * from place p natural join (select id, population from place where population < 8) q where p.population < 8`,
  ],
  ['an aggregate', `select count(*), min(kind) from place where population < 10`],
  [
    'the preserved side of an outer join',
    `select a.id, b.id from place a left join place b on a.id = b.region_id where a.population < 5`,
  ],
  ['a condition that may raise', `select id from place where 100 / (population + 1) > 50`],
] as const;

describe.each(versions)('methods, PostgreSQL of %s', (binaries) => {
  const isThere = hasPostgresBinaries(binaries);
  const testThere = isThere ? test : test.skip;
  const suffix = isThere ? '' : ': not installed';
  let bench: RuleBench;
  let harness: EngineHarness;

  beforeAll(async () => {
    if (!isThere) return;
    bench = await RuleBench.open([region], schema, { binaries });
    harness = bench.harness;
  });
  afterAll(() => (isThere ? bench[Symbol.asyncDispose]() : undefined));

  const under = (method: string, then: () => Promise<void>): Promise<void> =>
    bench.under([`set pcache.method = '${method}'`], then);

  testThere.each(statements)(`every method returns the same rows: %s${suffix}`, async (_title, text) => {
    const direct = multiset(await harness.run(text));
    const forms: Record<Method, RegExp> = {
      inline: /ANY \('/,
      in_subquery: /ANY \(SELECT pg_catalog\.unnest\('/,
      // Nobody is there to make the table.
      tmp_table_in: /ANY \('/,
      tmp_table_join: /ANY \('/,
    };
    for (const [method, form] of Object.entries(forms)) {
      await under(method, async () => {
        const plan = await bench.restricted(text);
        expect(plan.text).toMatch(form);
        expect(multiset(await harness.run(plan.text))).toEqual(direct);
      });
    }
  });

  testThere(`a session may use the names of the Python library, and none there is not${suffix}`, async () => {
    const text = statements[0][1];
    await under('IN_SUBQUERY', async () =>
      expect((await bench.restricted(text)).restriction).toMatchObject({
        method: 'in_subquery',
        why: 'only',
      }),
    );
    await under('no such', async () =>
      expect((await bench.restricted(text)).restriction).toMatchObject({ method: 'inline' }),
    );
  });

  /** The tables that were restricted, in turn, as a statement is run again and again; what takes less time if one certain table is. */
  const tried = async (text: string, fast: string): Promise<string[]> => {
    const direct = multiset(await harness.run(text));
    await harness.learn(text);
    await harness.plan(text);
    await harness.answered();
    const restricted: string[] = [];
    for (let run = 0; run < 32; run++) {
      const plan = await harness.plan(text);
      if (plan.kind !== 'rewrite') throw new Error(`not restricted: ${plan.kind}`);
      // Other columns are asked about once the first ones have been run.
      await harness.answered();
      expect(multiset(await harness.run(plan.text))).toEqual(direct);
      const tables = [...plan.text.matchAll(/"(\w+)"\."region_id" OPERATOR/g)].map(([, alias]) => alias);
      restricted.push(tables.join());
      harness.engine.completed({
        ...{ statement: harness.engine.inspect(text), plan, isTimed: true, outcome: 'complete' },
        ...{
          elapsedMs: tables.join() === fast ? 5 : 12,
          context: await harness.context(),
          isContextCertain: true,
        },
      });
    }
    return restricted;
  };

  testThere(
    `of many columns some are restricted alone, and the fastest form is kept to${suffix}`,
    async () => {
      const aliases = ['a', 'b', 'c', 'd', 'e'];
      const text =
        `select a.id from ${aliases.map((alias) => `place ${alias}`).join(', ')} where a.population < 20 and ` +
        aliases
          .slice(1)
          .map((alias) => `${alias}.region_id = a.region_id and ${alias}.population < 40`)
          .join(' and ');
      const restricted = await tried(text, 'c');
      expect(new Set(restricted)).toEqual(new Set(['a', 'b', 'c', 'd', 'a,b,c,d,e']));
      expect(restricted.slice(-10)).toEqual(Array.from({ length: 10 }, () => 'c'));
    },
  );

  testThere(`what is being asked about a form when the engine ends is of no interest${suffix}`, async () => {
    const warnings: unknown[] = [];
    const log = {
      debug: () => undefined,
      info: () => undefined,
      warn: (...args: unknown[]) => warnings.push(args),
    };
    const connection = bench.server.connectionOptions(bench.database);
    for (let turns = 0; turns < 6; turns++) {
      const ended = await EngineHarness.open(connection, [region], { log });
      const text = 'select a.id from place a join place b on a.region_id = b.region_id and a.population < 20';
      await ended.learn(text);
      const statement = ended.engine.inspect(text);
      const context = await ended.context();
      await ended.engine.plan({ statement, context, isContextCertain: true, canRetry: true });
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      await ended[Symbol.asyncDispose]();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(warnings).toEqual([]);
  });

  testThere(`a column is not tried where the server expects that to cost far more${suffix}`, async () => {
    const text = `select a.id, b.id from stop a join stop b on b.region_id = a.region_id and a.kind = 'k7' and a.id % 500 = 7`;
    expect(new Set(await tried(text, 'a,b'))).toEqual(new Set(['a', 'a,b']));
  });

  testThere.each([
    ['the rows have columns of the same types', `select id, kind, 1.5 as x from place where population < -1`],
    ['one row of an aggregate remains', `select count(*), sum(population) from place where population < -1`],
    ['no group remains', `select kind, count(*) from place where population < -1 group by kind`],
    [
      'an outer join keeps the other side',
      `select r.name, p.id from "Region Of ""X""" r left join (select * from place where population < -1) p on p.region_id = r."Region Id"`,
    ],
    [
      'a key the block equates',
      `select 1 from place p join "Region Of ""X""" r on p.region_id = r."Region Id" where p.population < -1`,
    ],
    [
      'one branch of a UNION',
      `select id from place where population < -1 union all select id from place where population < 3`,
    ],
    [
      'rows without a key remain',
      `select id from place where population = (select max(population) from place where region_id is null) and region_id is null`,
    ],
  ])(`a set known to be empty: %s${suffix}`, async (_title, text) => {
    const direct = await harness.run(text);
    await under('in_subquery', async () => {
      const plan = await bench.restricted(text);
      expect(plan.coverage).toBe('full');
      expect(plan.text).toMatch(/ FALSE|IS NULL\)/);
      const restricted = await harness.run(plan.text);
      expect(multiset(restricted)).toEqual(multiset(direct));
      expect(restricted.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual(
        direct.fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
      );
    });
  });
});
