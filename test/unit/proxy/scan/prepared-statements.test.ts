import { PreparedStatement, PreparedStatements } from '../../../../src/proxy/scan/prepared-statements';

const statement = (name: string, text = 'select 1'): PreparedStatement =>
  new PreparedStatement(name, text, [], 0, 1);

describe('PreparedStatements', () => {
  test('the unnamed statement is one among the others', () => {
    const statements = new PreparedStatements();
    statements.set(statement('', 'a'));
    statements.set(statement('n', 'b'));
    expect([statements.get('', 1)?.text, statements.get('n', 1)?.text]).toEqual(['a', 'b']);
    statements.delete('');
    expect([statements.get('', 1)?.text, statements.get('n', 1)?.text]).toEqual([undefined, 'b']);
    statements.set(statement('', 'c'));
    statements.deleteAll();
    expect([statements.get('', 1), statements.get('n', 1)]).toEqual([undefined, undefined]);
  });

  test('one whose Parse is still under way is known in its own batch only', () => {
    const statements = new PreparedStatements();
    const named = statement('n');
    statements.set(named);
    expect(statements.get('n', 1)).toBe(named);
    expect(statements.get('n', 2)).toBeUndefined();
    named.isConfirmed = true;
    expect(statements.get('n', 2)).toBe(named);
    expect(statements.has(named)).toBe(true);
    statements.set(statement('n'));
    expect(statements.has(named)).toBe(false);
  });

  test('does not grow without bound: the oldest names are forgotten', () => {
    const statements = new PreparedStatements();
    for (let i = 0; i < 10_001; i++) statements.set(statement(`s${i}`));
    expect(statements.get('s0', 1)).toBeUndefined();
    expect(statements.get('s1', 1)).toBeDefined();
    expect(statements.get('s10000', 1)).toBeDefined();
  });

  test('does not hold more text than it may: the oldest names are forgotten, and what is deleted counts no more', () => {
    const statements = new PreparedStatements();
    const long = (name: string): PreparedStatement =>
      new PreparedStatement(name, 'x'.repeat(3 * 1024 * 1024), [], 1, 1);
    for (let i = 0; i < 100; i++) {
      statements.set(long('again'));
      statements.delete('again');
    }
    for (let i = 0; i < 6; i++) statements.set(long(`s${i}`));
    expect(statements.get('s0', 1)).toBeUndefined();
    expect(statements.get('s1', 1)).toBeDefined();
    expect(statements.get('s5', 1)).toBeDefined();
  });
});
