/**
 * SQL text in which tables stand as numbers in braces, `{0}."name" = 'x'`, so that it is the same whatever aliases a
 * statement gives them. A brace that is part of the text is written twice.
 */
export type Template = string;

const placeholder = /\{\{|\}\}|\{(\d+)\}/g;

/** Text as it stands in a template. */
export function escapeTemplate(text: string): Template {
  return text.replaceAll('{', '{{').replaceAll('}', '}}');
}

/** Writes a template out as SQL. */
export function renderTemplate(template: Template, tableText: (table: number) => string): string {
  if (hasEscapes(template))
    return template.replace(placeholder, (match: string, table: string | undefined) =>
      table === undefined ? match.charAt(0) : tableText(Number(table)),
    );
  return withTables(template, tableText);
}

/** Hardly any has: those without take a fraction of the time that a regular expression does. */
function hasEscapes(template: Template): boolean {
  return template.includes('{{') || template.includes('}}');
}

/** Of a template without escapes. */
function withTables(template: Template, tableText: (table: number) => string): string {
  const [first = '', ...others] = template.split('{');
  let text = first;
  for (const part of others) {
    const close = part.indexOf('}');
    text += tableText(Number(part.slice(0, close))) + part.slice(close + 1);
  }
  return text;
}

/** Quoted names and tables, which stay; then strings, negative and other numbers. */
const constants = /("(?:[^"]|"")*"|\{\d+\})|'(?:[^']|'')*'|\(-[\d.]+\)|(?<!\w)\d[\w.]*/g;

/** A template with a mark in place of each string and number: what templates have in common that differ in those only. */
export function withoutConstants(template: Template): string {
  return template.replace(constants, (_, kept: string | undefined) => kept ?? '?');
}

/** The tables of a template, each once, in the order they first appear. */
export function tablesOf(template: Template): readonly number[] {
  const tables: number[] = [];
  if (!hasEscapes(template)) {
    for (let at = template.indexOf('{'); at !== -1; at = template.indexOf('{', at + 1)) {
      const table = Number(template.slice(at + 1, template.indexOf('}', at)));
      if (!tables.includes(table)) tables.push(table);
    }
    return tables;
  }
  for (const [, table] of template.matchAll(placeholder)) {
    if (table !== undefined && !tables.includes(Number(table))) tables.push(Number(table));
  }
  return tables;
}

/** Gives tables of a template other numbers, or a name that stays in it. */
export function renumberTemplate(template: Template, renumber: (table: number) => number | string): Template {
  const textOf = (table: number): string => {
    const other = renumber(table);
    return typeof other === 'string' ? other : `{${other}}`;
  };
  if (!hasEscapes(template)) return withTables(template, textOf);
  return template.replace(placeholder, (match: string, table: string | undefined) =>
    table === undefined ? match : textOf(Number(table)),
  );
}

const columns = /\{\{|\}\}|\{(\d+)\}\.("(?:[^"]|"")*")/g;

/** The columns a template names, and which of its tables they are of. */
export function columnsOf(
  template: Template,
): readonly { readonly table: number; readonly column: string }[] {
  return [...template.matchAll(columns)].flatMap(([, table, quoted]) => {
    if (table === undefined || quoted === undefined) return [];
    const column = quoted.slice(1, -1).replaceAll('""', '"').replaceAll('{{', '{').replaceAll('}}', '}');
    return [{ table: Number(table), column }];
  });
}
