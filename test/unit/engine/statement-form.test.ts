import { StatementForm, withoutLiterals } from '../../../src/engine/statement-form';

const forward = { kind: 'forward', reason: 'miss' } as const;

describe('withoutLiterals', () => {
  test.each([
    ['numbers', 'select * from t where a = 1', 'select * from t where a = 27182818284'],
    ['decimals and integers', 'select * from t where a < 1.5', 'select * from t where a < 2'],
    ['strings', "select * from t where a = 'x'", "select * from t where a = ''"],
    ['strings that hold a keyword or a quote', "select 'a'", `select 'set_config( "'`],
    ['doubled quotes', "select 'it''s'", "select 'a''b'"],
    ['numbers behind an operator or a comma', 'select a+1,-2 from t', 'select a+3,-4 from t'],
    ['literals behind a quoted identifier', `select "a b" = 1`, `select "a b" = 2`],
  ])('is the same for texts that differ in %s', (_, one, other) => {
    expect(withoutLiterals(one)).toBeDefined();
    expect(withoutLiterals(one)).toBe(withoutLiterals(other));
  });

  test.each([
    ['tables', 'select * from t1', 'select * from t2'],
    ['functions in letters of any alphabet', 'select é1()', 'select é2()'],
    ['quoted identifiers', 'select "a 1"', 'select "a 2"'],
    ['quoted identifiers that hold a quote', `select "it's 1"`, `select "it's 2"`],
    ['parameters', 'select $1', 'select $2'],
    ['the kind of a literal', 'select 1', "select '1'"],
    ['the number of literals', 'select 1', 'select 1, 1'],
    ['names with a dollar sign', 'select a$1', 'select a$2'],
    ['letters behind digits', 'select 1 a', 'select 1a'],
    ['the letter before a string', "select b'1'", "select x'1'"],
  ])('differs for texts that differ in %s', (_, one, other) => {
    expect(withoutLiterals(one)).not.toBe(withoutLiterals(other));
  });

  test.each([
    ['a comment to the end of the line', 'select 1 -- it'],
    ['a comment in between', 'select /* it */ 1'],
    ['a backslash', String.raw`select e'\''`],
    ['a dollar quote', 'select $$x$$'],
    ['a dollar quote with a tag', 'select $a$x$a$'],
    ['a quoted identifier with escapes', `select u&"!0061" uescape '!'`],
    ['a mark of its own', 'select \ue000'],
    ['very much of it', `select '${'x'.repeat(10_000)}'`],
  ])('refuses: text with %s', (_, text) => {
    expect(withoutLiterals(text)).toBeUndefined();
  });
});

describe('a verdict', () => {
  test('holds for its version of the directory and its context only', () => {
    const form = new StatementForm(true, true);
    expect(form.verdict(1, 'c')).toBeUndefined();
    form.note(forward, 1, 'c');
    expect(form.verdict(1, 'c')).toBe(forward);
    expect(form.verdict(2, 'c')).toBeUndefined();
    expect(form.verdict(1, 'd')).toBeUndefined();
  });

  test('is looked at again now and then', () => {
    const form = new StatementForm(true, true);
    form.note(forward, 1, 'c');
    const verdicts = Array.from({ length: 1_001 }, () => form.verdict(1, 'c'));
    expect(verdicts.indexOf(undefined)).toBe(1_000);
  });
});
