import { regionKey, regionSchema, RuleBench } from '../../support/rule-bench';

const known = `select id from place where population < 5`;

describe('what a plan says of each block', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open(
      [{ ...regionKey, maxKeyShare: 0.5 }],
      `${regionSchema}
       create extension file_fdw;
       create server files foreign data wrapper file_fdw;
       create foreign table far (id int) server files options (filename '/dev/null');`,
    );
    await bench.harness.learn(known);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const inner = `(${known})`;

  test.each([
    ['restricted', known, ['restricted']],
    [
      'a CTE and what reads it',
      `with c as (select id from place where population < 5) select id from c`,
      ['no partition key', 'restricted'],
    ],
    [
      'both branches, of which one is not known',
      `${known} union all select id from place where population > 990`,
      ['restricted', 'miss'],
    ],
    [
      'a block with TABLESAMPLE beside another',
      `select count(*) from place tablesample system (100) where id in ${inner}`,
      ['tablesample', 'restricted'],
    ],
    [
      'a block with a foreign table beside another',
      `select (select count(*) from far) from place where population < 5`,
      ['foreign table', 'restricted'],
    ],
    [
      'the nullable side of an outer join',
      `select count(*) from note n left join place p on p.id = n.place_id where n.id in ${inner}`,
      ['outer join', 'restricted'],
    ],
    [
      'columns renamed by an alias',
      `select count(*) from place as p (a) where a in ${inner}`,
      ['renamed by an alias', 'restricted'],
    ],
    [
      'statements of one text',
      `${known}; select id from place where 100 / (population + 1) > 50; select id from note`,
      ['restricted', 'may raise an error', 'no partition key'],
    ],
    ['nothing known', `select id from place where population > 991`, ['miss']],
    [
      'refused as a whole',
      `select random() from place where id in ${inner}`,
      Array(2).fill('volatile function'),
    ],
    ['nothing to restrict', `select id from place tablesample system (10)`, ['tablesample']],
    [
      'no key at all',
      `select text from note where place_id in (select id from note)`,
      Array(2).fill('no partition key'),
    ],
  ])('%s', async (_title, text, expected) => {
    const { harness } = bench;
    const plan = await harness.plan(`${text} /* place */`);
    if (plan.kind === 'needsContext') throw new Error('the context is known');
    expect((plan.blocks ?? []).map(({ reason }) => reason ?? 'restricted').toSorted()).toEqual(
      [...expected].toSorted(),
    );
    // Asked again, it is the same answer and no new one.
    const again = await harness.plan(`${text} /* place */`);
    expect(again.kind !== 'needsContext' && again.blocks === plan.blocks).toBe(true);
    if (plan.kind === 'rewrite' && !text.includes('tablesample'))
      expect(await bench.outcome(plan.text)).toEqual(await bench.outcome(text));
  });

  test('keys that are too many', async () => {
    const all = `select id from place where population < 999`;
    await bench.harness.learn(all);
    expect(await bench.harness.plan(all)).toMatchObject({ blocks: [{ reason: 'covers most keys' }] });
    expect(await bench.harness.plan(`${known} union ${all}`)).toMatchObject({
      kind: 'rewrite',
      blocks: [{ reason: undefined }, { reason: 'covers most keys' }],
    });
  });
});
