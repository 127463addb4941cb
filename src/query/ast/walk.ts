/** A node as libpg_query writes it: its fields, under the name of its kind (`{ ColumnRef: { fields, location } }`). */
export type Visit = (kind: string, fields: Readonly<Record<string, unknown>>) => boolean | undefined;

/**
 * Visits every node below a value, parents first, in the order of the fields. `visit` returns false to leave out what is
 * below a node. Fields that hold a node without its kind around it (`larg`, `withClause`, `typeName`) are descended into
 * but not visited.
 */
export function walk(value: unknown, visit: Visit): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const fields = value as Readonly<Record<string, unknown>>;
  // Half of an analysis' time is spent here: `for in` over the parser's plain objects makes no arrays of entries.
  for (const name in fields) {
    const child = fields[name];
    if (typeof child !== 'object' || child === null) continue;
    if (!isKind(name)) walk(child, visit);
    else if (visit(name, child as Readonly<Record<string, unknown>>) !== false) walk(child, visit);
  }
}

/** Kinds are written in upper camel case, fields in lower case. */
function isKind(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 65 && first <= 90;
}
