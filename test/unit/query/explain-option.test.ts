import { loadParser } from '../../../src/query/ast/parser';
import { readExplainText } from '../../../src/query/explain/explain-option';

beforeAll(loadParser);

describe('what is asked for', () => {
  test.each([
    ['explain (pcache) select 1', 'explain          select 1'],
    ['EXPLAIN (PCACHE) select 1', 'EXPLAIN          select 1'],
    ['explain("pcache")select 1', 'explain          select 1'],
    ['explain (pcache true, verbose) select 1', 'explain (             verbose) select 1'],
    ['explain (verbose, pcache on) select 1', 'explain (verbose           ) select 1'],
    ['explain (verbose, pcache 1, costs off) select 1', 'explain (verbose          , costs off) select 1'],
    ['explain (pcache, pcache, costs) select 1', 'explain (                costs) select 1'],
    ['explain (costs, pcache, pcache) select 1', 'explain (costs                ) select 1'],
    ['explain (pcache off, "pcache" \'on\') select 1', `explain${' '.repeat(29)}select 1`],
    ['explain (/* a */ pcache /*, b */) select 1', 'explain  /* a */        /*, b */  select 1'],
    ['explain ( -- why?\n pcache) select 1', 'explain   -- why?\n         select 1'],
  ])('%s', (text, sent) => {
    const read = readExplainText(text);
    expect(read?.text).toBe(sent);
    expect(read?.explained).toMatchObject([
      { index: 0, inner: 'select 1', format: 'text', isAnalyzed: false },
    ]);
  });

  test('bytes keep their places behind text that is not ASCII', () => {
    const text = `select 'é😀'; explain (costs off, pcache) select 'ü';`;
    const read = readExplainText(text);
    expect(read?.text).toBe(`select 'é😀'; explain (costs off        ) select 'ü';`);
    expect(read?.explained).toMatchObject([
      { index: 1, before: `select 'é😀'; `, explain: 'explain (costs off        )', inner: `select 'ü'` },
    ]);
  });

  test('options of the server are read as the server reads them', () => {
    const ask = (options: string) => readExplainText(`explain (pcache, ${options}) select 1`)?.explained[0];
    expect(ask('analyze, verbose on')).toMatchObject({ isAnalyzed: true, isVerbose: true });
    expect(ask('analyze, analyze off')).toMatchObject({ isAnalyzed: false });
    expect(ask('format JSON')).toMatchObject({ format: 'json' });
    expect(ask(`format 'text'`)).toMatchObject({ format: 'text' });
    expect(ask('nonsense')).toMatchObject({ explain: 'explain (        nonsense)' });
  });

  test('several statements of a text', () => {
    const read = readExplainText(
      'explain (pcache) select 1; select 2; explain (pcache 0) select 3; explain (pcache) table t',
    );
    expect(read?.explained.map(({ index, inner }) => [index, inner])).toEqual([
      [0, 'select 1'],
      [3, 'table t'],
    ]);
  });

  test('turned off, it is an EXPLAIN without the option', () => {
    expect(readExplainText('explain (pcache off, costs off) select 1')).toMatchObject({
      text: 'explain (            costs off) select 1',
      explained: [],
    });
  });
});

describe('refuses: what is not the option', () => {
  test.each([
    `select 'explain (pcache)'`,
    `explain select 'pcache'`,
    'explain (analyze) select pcache from t',
    `explain (costs) select '(pcache)'`,
    'explain ("PCACHE") select 1',
    'explain (pcache maybe) select 1',
    'explain (pcache 2) select 1',
    'explain (pcache, format xml) select 1',
    'explain (format yaml, pcache) select 1',
    'explain pcache select 1',
    'explain (pcache)',
    'explain (pcache) select from where',
    'explain analyze (pcache) select 1',
    `do $$ begin execute 'explain (pcache) select 1'; end $$`,
    'select 1 /* explain (pcache) */',
  ])('%s', (text) => {
    expect(readExplainText(text)).toBeUndefined();
  });
});
