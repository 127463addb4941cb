import { CandidateStatement } from '../../../src/engine/candidate-statement';
import { SlowForms } from '../../../src/engine/slow-forms';
import { nothingToRestrict } from '../../../src/engine/statements-of-text';

function statement(text: string): CandidateStatement {
  return new CandidateStatement(text, true, undefined, () => nothingToRestrict);
}

describe('SlowForms', () => {
  const slow = new SlowForms();
  beforeEach(() => slow.clear());

  test('has a form that was slow three times, whatever its constants', () => {
    slow.note(statement('select a from b where c = 1'), 25);
    slow.note(statement('select a from b where c = 1'), 25);
    expect(slow.has(statement('select a from b where c = 2'))).toBe(false);
    slow.note(statement('select a from b where c = 3'), 25);
    expect(slow.has(statement('select a from b where c = 2'))).toBe(true);
  });

  test('refuses: one that was fast, another form, and a list that is much shorter', () => {
    const list = (length: number): string => `select a from b where c in (${Array(length).fill(1).join()})`;
    for (let i = 0; i < 3; i++) {
      slow.note(statement('select d from b'), 5);
      slow.note(statement(list(2_000)), 25);
    }
    expect(slow.has(statement('select d from b'))).toBe(false);
    expect(slow.has(statement('select e from b'))).toBe(false);
    expect(slow.has(statement(list(3)))).toBe(false);
    expect(slow.has(statement(list(1_900)))).toBe(true);
  });

  test('a form that was slow is looked into again, once in a hundred times', () => {
    for (let i = 0; i < 3; i++) slow.note(statement('select a from b'), 25);
    const isLeftAlone = (): boolean => slow.has(statement('select a from b'));
    let left = 0;
    while (isLeftAlone()) left++;
    expect(left).toBe(297);
    expect(isLeftAlone()).toBe(false);
    slow.note(statement('select a from b'), 25);
    expect(isLeftAlone()).toBe(true);
  });

  test('refuses: a form of which one in hundreds was slow, which a garbage collection may be to blame for', () => {
    for (let i = 0; i < 1_000; i++) slow.note(statement('select a from b'), i % 250 === 0 ? 25 : 1);
    expect(slow.has(statement('select a from b'))).toBe(false);
    for (let i = 0; i < 20; i++) slow.note(statement('select a from b'), 25);
    expect(slow.has(statement('select a from b'))).toBe(true);
  });
});
