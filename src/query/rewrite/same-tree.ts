/** Where in the text a node stands: a tree means the same wherever it was. */
const locationFields: ReadonlySet<string> = new Set([
  'location', 'rexpr_list_start', 'rexpr_list_end', 'list_start', 'list_end', 'stmt_location', 'stmt_len',
]); // prettier-ignore

type Fields = Readonly<Record<string, unknown>>;

/**
 * Whether two syntax trees are equal but for locations. `replaced` gives nodes of the second tree that something else is
 * expected for.
 */
export function isSameTree(
  found: unknown,
  wanted: unknown,
  replaced: ReadonlyMap<unknown, unknown>,
): boolean {
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  if (typeof found !== 'object' || found === null) return false;
  if (Array.isArray(wanted) || Array.isArray(found)) {
    if (!Array.isArray(wanted) || !Array.isArray(found) || found.length !== wanted.length) return false;
    return wanted.every((item, i) => isSameTree(found[i], item, replaced));
  }
  return haveSameFields(found as Fields, (replaced.get(wanted) ?? wanted) as Fields, replaced);
}

/** The parser leaves out what is not there, so that a field that is undefined is none. */
function haveSameFields(found: Fields, wanted: Fields, replaced: ReadonlyMap<unknown, unknown>): boolean {
  for (const name in wanted)
    if (!locationFields.has(name) && !isSameTree(found[name], wanted[name], replaced)) return false;
  for (const name in found)
    if (found[name] !== undefined && wanted[name] === undefined && !locationFields.has(name)) return false;
  return true;
}
