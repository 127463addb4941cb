import {
  escapeTemplate,
  renderTemplate,
  renumberTemplate,
  tablesOf,
} from '../../../../src/query/ast/template';

const aliases = ['a', 'b', 'c'];
const render = (template: string): string => renderTemplate(template, (table) => aliases[table] ?? '?');

describe('templates', () => {
  test.each([
    ['tables', '({0}."x" = {1}."y")', '(a."x" = b."y")', [0, 1]],
    ['tables out of order, and twice', '({2}.x = {0}.x AND {2}.y)', '(c.x = a.x AND c.y)', [2, 0]],
    ['no table', '(1 = 2)', '(1 = 2)', []],
    ['escaped braces around a number', `'{{0}}'`, `'{0}'`, []],
    ['a table beside escaped braces', `{{{0}.x}}`, `{a.x}`, [0]],
  ])('%s', (_title, template, sql, tables) => {
    expect(render(template)).toBe(sql);
    expect(tablesOf(template)).toEqual(tables);
  });

  test.each([`'{0}'`, '{', '}', '{{0}}', '{}', '}{', '{1}{0}', '{0'])(
    'what is escaped is text: %s',
    (text) => {
      expect(tablesOf(escapeTemplate(text))).toEqual([]);
      expect(render(escapeTemplate(text))).toBe(text);
      expect(render(`{1}.${escapeTemplate(text)}`)).toBe(`b.${text}`);
    },
  );

  test('renumbers tables and nothing else', () => {
    const template = `({0}."x" = {1}."{{0}}" || '{{1}}')`;
    expect(renumberTemplate(template, (table) => table + 5)).toBe(`({5}."x" = {6}."{{0}}" || '{{1}}')`);
  });
});
