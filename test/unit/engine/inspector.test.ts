import { CandidateStatement } from '../../../src/engine/candidate-statement';
import { Inspector } from '../../../src/engine/inspector';
import { TurnBudget } from '../../../src/engine/turn-budget';
import { loadParser } from '../../../src/query/ast/parser';
import { smallCatalog } from '../../support/small-catalog';

const inspector = new Inspector(
  [{ name: 'key', datatype: 'integer', tables: new Map([['public.place', 'region_id']]) }],
  new TurnBudget(Infinity),
);

beforeAll(loadParser);

describe('inspect', () => {
  test.each([
    ['a select of a tracked table', 'select * from place where id = 1', true],
    ['the same with another number', 'select * from place where id = 2', true],
    ['refuses: other tables', 'select * from elsewhere where id = 1', false],
    ['refuses: a statement that is no select', 'delete from place where id = 1', false],
    ['refuses: the same with another number', 'delete from place where id = 2', false],
    ['several statements', 'select * from place; select 1', true],
    ['refuses: several that are none', 'delete from place; begin', false],
    ['refuses: what cannot be parsed', "select * from place where id = 'x' 'y'", false],
    ['the same without the fault', "select * from place where id = 'xy'", true],
    ['refuses: a statement that is switched off', 'select * from place /* pcache: off */', false],
    ['refuses: bytes that are not UTF-8', "select * from place where name = '\ufffd'", false],
    ['the same in UTF-8', "select * from place where name = 'a'", true],
  ])('%s', (_, text, isCandidate) => {
    expect(inspector.inspect(text)).toMatchObject({ text, isCandidate });
    expect(inspector.inspect(text)).toMatchObject({ text, isCandidate });
  });

  test('parses a text of a known form when it is looked into', () => {
    inspector.inspect('select * from place where name = 1');
    const statement = inspector.inspect('select * from place where name = 2');
    expect(statement).toBeInstanceOf(CandidateStatement);
    if (!(statement instanceof CandidateStatement)) return;
    expect(JSON.stringify(statement.statements[0]?.query.whereClause)).toContain('"ival":2');
    expect(inspector.inspect(statement.text)).toBe(statement);
  });

  test('texts of one form have one fingerprint', () => {
    const [one, other] = [1, 2].map((id) => inspector.inspect(`select name from place where id = ${id}`));
    if (!(one instanceof CandidateStatement && other instanceof CandidateStatement)) throw new Error();
    expect(other.fingerprint).toBe(one.fingerprint);
  });

  test('a literal that does not fit its place leaves nothing to restrict', () => {
    const good = inspector.inspect('select cast(id as interval(3)) from place');
    expect(good.isCandidate).toBe(true);
    const bad = inspector.inspect('select cast(id as interval(99999999999)) from place');
    if (bad instanceof CandidateStatement) expect(bad.statements).toEqual([]);
  });

  test('what was judged by an older catalog is not remembered when it is looked into under another', () => {
    const keys = [
      { name: 'key', datatype: 'integer', tables: new Map([['public.region', 'region_id']]) },
    ] as const;
    const keeper = new Inspector(keys, new TurnBudget(Infinity));
    const text = (i: number): string => `select * from region limit ${i}`;
    keeper.inspect(text(1));
    const early = keeper.inspect(text(2));
    expect(early).toMatchObject({ isCandidate: true, leavesContextAlone: false });
    keeper.useCatalog(smallCatalog());
    if (!(early instanceof CandidateStatement)) throw new Error();
    expect(early.statements).toHaveLength(1);
    expect(keeper.inspect(text(2))).toMatchObject({ isCandidate: true, leavesContextAlone: true });
  });

  test('a text there was no time for is not taken for one that may change the context when it comes again', () => {
    const spentAtOnce = new TurnBudget(1, () => () => 2);
    const busy = new Inspector(
      [{ name: 'key', datatype: 'integer', tables: new Map([['public.region', 'region_id']]) }],
      spentAtOnce,
    );
    busy.useCatalog(smallCatalog());
    const text = 'select * from region limit 1';
    spentAtOnce.spend(() => undefined);
    const hasty = busy.inspect(text);
    expect(hasty).toMatchObject({ isCandidate: true, leavesContextAlone: false });
    if (!(hasty instanceof CandidateStatement)) throw new Error();
    expect(hasty.statements).toHaveLength(1);
    for (const again of [text, text.replace('1', '2')])
      expect(busy.inspect(again)).toMatchObject({ isCandidate: true, leavesContextAlone: true });
  });
});
