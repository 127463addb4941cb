import type { Explanation } from '../../../src/engine/explain/explanation';
import { renderJson } from '../../../src/engine/explain/render-json';
import { renderText } from '../../../src/engine/explain/render-text';
import type { PlanRequest } from '../../../src/engine/engine';
import { regionKey, regionSchema, RuleBench } from '../../support/rule-bench';

const known = `select id from place where population < 5`;
const quotient = `select id from place where 100 / population > 50`;

describe('explanations', () => {
  let bench: RuleBench;

  beforeAll(async () => {
    bench = await RuleBench.open([{ ...regionKey, maxKeyShare: 0.5 }], regionSchema);
  });

  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  async function explain(text: string, differences: Partial<PlanRequest> = {}): Promise<Explanation> {
    const { harness } = bench;
    return harness.engine.explain({
      statement: harness.engine.inspect(text),
      context: await harness.context(),
      isContextCertain: true,
      canRetry: true,
      ...differences,
    });
  }

  const statuses = ({ blocks }: Explanation): string[] =>
    blocks.flatMap(({ classes }) =>
      classes.flatMap(({ fragments }) => fragments.map(({ status }) => status)),
    );

  test('nothing is known: what would be learned', async () => {
    const explanation = await explain(known);
    expect(explanation).toMatchObject({ mode: 'on', reason: 'nothing cached', restricted: undefined });
    expect(explanation.blocks).toMatchObject([
      { tables: ['public.place place'], words: expect.stringMatching(/^id from place where/) },
    ]);
    expect(statuses(explanation)).toEqual(['never computed']);
  });

  describe('with something known', () => {
    beforeAll(async () => {
      await bench.harness.learn(known);
      await bench.harness.learn(quotient, undefined, 'note');
    });

    test('the restricted form is the one that is run', async () => {
      const [explanation, plan] = [await explain(known), await bench.harness.plan(known)];
      expect(explanation).toMatchObject({ reason: undefined, coverage: 'full' });
      expect(plan).toMatchObject({ kind: 'rewrite', text: explanation.restricted?.text });
      expect(statuses(explanation)).toEqual(['hit']);
      const [keyClass] = explanation.blocks[0]?.classes ?? [];
      expect(keyClass?.keysKept).toBe(keyClass?.fragments[0]?.keyCount);
      expect(keyClass?.totalKeys).toBeGreaterThan(keyClass?.keysKept ?? Infinity);
    });

    test('a block of each kind', async () => {
      const explanation = await explain(
        `with c as (${known}) select count(*) from c union all select id from place where population = 7`,
      );
      expect(explanation).toMatchObject({ reason: undefined, coverage: 'partial' });
      expect(explanation.blocks.map(({ reason, words }) => [words.split(' ')[0], reason])).toEqual([
        ['id', undefined],
        ['count(*)', 'no partition key'],
        ['id', 'miss'],
      ]);
    });

    test('a failed fragment, and that it is tried again', async () => {
      const explanation = await explain(quotient);
      expect(explanation.reason).toBe('miss');
      expect(explanation.blocks[0]?.classes[0]?.fragments).toMatchObject([{ status: 'failed' }]);
      expect(renderText(explanation, { isVerbose: false }).join('\n')).toContain(
        'miss, failed, tried again not before 20',
      );
    });

    test.each([
      ['off', 'switched off'],
      ['observe', 'observe mode'],
    ] as const)('mode %s: what would be done otherwise', async (mode, reason) => {
      const context = { ...(await bench.harness.context()), mode };
      const explanation = await explain(known, { context });
      expect(explanation).toMatchObject({ mode, reason });
      expect(explanation.restricted?.text).toContain('ANY');
    });

    test.each([
      ['a comment', `/* pcache: off */ ${known}`, {}, 'switched off'],
      ['no table with a key', 'select 1', {}, 'not a candidate'],
      ['the context is not certain', known, { isContextCertain: false }, 'context uncertain'],
      ['locks rows', `${known} for update`, {}, 'locking clause'],
      [
        'may raise where it cannot be run again',
        `${known} and 100 / (population + 1) > 1`,
        { canRetry: false },
        'may raise an error',
      ],
    ])('%s', async (_, text, differences, reason) => {
      expect((await explain(text, differences)).reason).toBe(reason);
    });

    test('most keys', async () => {
      await bench.harness.learn('select id from place where population >= 0');
      const explanation = await explain('select id from place where population >= 0');
      expect(explanation).toMatchObject({ reason: 'covers most keys', restricted: undefined });
      const [keyClass] = explanation.blocks[0]?.classes ?? [];
      expect(keyClass?.keysKept).toBeGreaterThan(0.5 * (keyClass?.totalKeys ?? Infinity));
    });

    test('bound values', async () => {
      const text = 'select id from place where population < $1';
      const values = { declaredOids: [], formats: [], values: [Buffer.from('5')] };
      const explanation = await explain(text, { parameters: values });
      expect(statuses(explanation)).toEqual(['hit']);
      expect(explanation.restricted?.text).toContain('population < $1');
    });

    test('counts as no execution', async () => {
      const { harness } = bench;
      for (let i = 0; i < 5; i++) await explain(known);
      const before = await harness.plan(known);
      for (let i = 0; i < 200; i++) await explain(known);
      expect(await harness.plan(known)).toEqual(before);
      expect(await harness.learn(known)).toEqual([]);
    });

    test('the values of a failure are not told', async () => {
      const explanation = await explain(quotient);
      expect(JSON.stringify(renderJson(explanation))).not.toContain('division');
      expect(renderText(explanation, { isVerbose: true }).join()).not.toContain('division');
    });

    test('as text, long lists of keys are cut unless one asks for more', async () => {
      const { restricted, ...explanation } = await explain(known);
      const insertion = { at: 0, text: `(x = ANY ('{${'12,'.repeat(1_000)}}'))` };
      const long = restricted && { ...restricted, text: `select ${insertion.text}`, insertions: [insertion] };
      const shown = { ...explanation, restricted: long };
      expect(renderText(shown, { isVerbose: false }).at(-1)).toMatch(
        /^ {2}select \(x = ANY \('\{12,[12,]* \.\.\.\}'\)\)$/,
      );
      expect(renderText(shown, { isVerbose: true }).at(-1)).toHaveLength(insertion.text.length + 9);
    });
  });
});
