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
  return template.replace(placeholder, (match: string, table: string | undefined) =>
    table === undefined ? match.charAt(0) : tableText(Number(table)),
  );
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
  for (const [, table] of template.matchAll(placeholder)) {
    if (table !== undefined && !tables.includes(Number(table))) tables.push(Number(table));
  }
  return tables;
}

/** Gives tables of a template other numbers, or a name that stays in it. */
export function renumberTemplate(template: Template, renumber: (table: number) => number | string): Template {
  return template.replace(placeholder, (match: string, table: string | undefined) => {
    if (table === undefined) return match;
    const other = renumber(Number(table));
    return typeof other === 'string' ? other : `{${other}}`;
  });
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
