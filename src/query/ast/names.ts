import type { Node } from '@pgsql/types';

/** The strings of a list of String nodes (`names`, `funcname`, `fields`), or undefined if something else is among them. */
export function stringsOf(nodes: readonly Node[] | undefined): readonly string[] | undefined {
  const strings: string[] = [];
  for (const node of nodes ?? []) {
    if (!('String' in node)) return undefined;
    strings.push(node.String.sval ?? '');
  }
  return strings;
}

/** A name that may be qualified by a schema. */
export interface QualifiedName {
  readonly schema: string | undefined;
  readonly name: string;
}

/** Reads a name of one or two parts; undefined for anything longer or that is not made of strings. */
export function qualifiedName(nodes: readonly Node[] | undefined): QualifiedName | undefined {
  const parts = stringsOf(nodes);
  const [first, second] = parts ?? [];
  if (parts?.length === 1 && first !== undefined) return { schema: undefined, name: first };
  if (parts?.length === 2 && first !== undefined && second !== undefined)
    return { schema: first, name: second };
  return undefined;
}
