/** Longer names are cut by PostgreSQL (NAMEDATALEN - 1), so they could not be what the catalog calls the thing. */
const maxIdentifierBytes = 63;

export type ParsedIdentifier =
  { readonly ok: true; readonly name: string } | { readonly ok: false; readonly message: string };

export type ParsedTableName =
  | { readonly ok: true; readonly schema: string; readonly name: string }
  | { readonly ok: false; readonly message: string };

/**
 * Reads a column name as the configuration writes it: plain, or in double quotes as SQL would want it.
 *
 * A plain name with capitals is refused instead of folded as SQL does, because YAML takes quotes away:
 * `"RegionId"` in a YAML file is the plain RegionId, and folding it would silently mean another column.
 */
export function parseIdentifier(text: string): ParsedIdentifier {
  const read = readIdentifier(text, 0);
  if (!read.ok) return read;
  if (read.end !== text.length)
    return failed(`unexpected ${JSON.stringify(text.slice(read.end))} after the name`);
  return { ok: true, name: read.name };
}

/** Reads `schema.table`; either part may be in double quotes. The search path has no say in it, so the schema is needed. */
export function parseTableName(text: string): ParsedTableName {
  const schema = readIdentifier(text, 0);
  if (!schema.ok) return schema;
  if (schema.end === text.length) {
    return failed(`expected schema.table, such as public.${text}, got ${JSON.stringify(text)}`);
  }
  if (text[schema.end] !== '.') {
    return failed(`expected a dot between schema and table, got ${JSON.stringify(text)}`);
  }
  const table = readIdentifier(text, schema.end + 1);
  if (!table.ok) return table;
  if (table.end !== text.length) {
    return failed(`expected schema.table and nothing more, got ${JSON.stringify(text)}`);
  }
  return { ok: true, schema: schema.name, name: table.name };
}

type Read = { readonly ok: true; readonly name: string; readonly end: number } | Failed;
interface Failed {
  readonly ok: false;
  readonly message: string;
}

function failed(message: string): Failed {
  return { ok: false, message };
}

/** One identifier from `start` on, by the rules of the manual's "Identifiers and Key Words" but for the folding. */
function readIdentifier(text: string, start: number): Read {
  const quoted = /"((?:[^"\0]|"")*)"/y;
  const plain = /[\p{L}_][\p{L}\p{N}_$]*/uy;
  quoted.lastIndex = start;
  plain.lastIndex = start;

  const inQuotes = quoted.exec(text);
  const bare = inQuotes === null ? plain.exec(text) : null;
  const name = inQuotes === null ? (bare?.[0] ?? '') : (inQuotes[1] ?? '').replaceAll('""', '"');

  if (name === '') return failed(`expected a name at character ${start + 1} of ${JSON.stringify(text)}`);
  if (Buffer.byteLength(name) > maxIdentifierBytes) {
    return failed(`${JSON.stringify(name)} is longer than the ${maxIdentifierBytes} bytes a name can have`);
  }
  if (name.includes('.'))
    return failed(`a dot inside a name, as in ${JSON.stringify(name)}, is not supported`);
  if (inQuotes === null && /[A-Z]/.test(name)) {
    return failed(
      `${name} has capitals, which PostgreSQL keeps only in quotes: write ${name.toLowerCase()}, or "${name}" with ` +
        `the double quotes if it was created so (in YAML, put single quotes around all of it)`,
    );
  }
  return { ok: true, name, end: inQuotes === null ? plain.lastIndex : quoted.lastIndex };
}
