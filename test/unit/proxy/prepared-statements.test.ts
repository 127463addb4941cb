import { PreparedStatement, PreparedStatements } from '../../../src/proxy/prepared-statements';

const statement = (name: string, text = 'select 1'): PreparedStatement =>
  new PreparedStatement(name, text, [], 0);

describe('PreparedStatements', () => {
  test('the unnamed statement is one among the others', () => {
    const statements = new PreparedStatements();
    statements.set(statement('', 'a'));
    statements.set(statement('n', 'b'));
    expect([statements.get('')?.text, statements.get('n')?.text]).toEqual(['a', 'b']);
    statements.delete('');
    expect([statements.get('')?.text, statements.get('n')?.text]).toEqual([undefined, 'b']);
    statements.set(statement('', 'c'));
    statements.deleteAll();
    expect([statements.get(''), statements.get('n')]).toEqual([undefined, undefined]);
  });

  test('does not grow without bound: the oldest names are forgotten', () => {
    const statements = new PreparedStatements();
    for (let i = 0; i < 10_001; i++) statements.set(statement(`s${i}`));
    expect(statements.get('s0')).toBeUndefined();
    expect(statements.get('s1')).toBeDefined();
    expect(statements.get('s10000')).toBeDefined();
  });
});
