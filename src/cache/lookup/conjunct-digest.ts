import { withoutConstants } from '../../query/ast/template';
import type { FragmentTable } from '../../query/fragment/fragment';
import { digestPair, digestText, type Digest } from './digest';
import type { Scope } from './scopes';

export function digestTable({ schema, name, only, keyColumn, definition }: FragmentTable): Digest {
  const digest = digestText(digestText(digestText(only ? 1 : 0, schema), name), keyColumn);
  return definition === undefined ? digest : digestText(digest, definition);
}

/** A conjunct in its scope, with the tables it is about: equal digests, likely equal meaning. */
export function digestConjunct(scope: Scope, template: string, tables: readonly Digest[]): Digest {
  let digest = digestText(scope.digest, template);
  for (const table of tables) digest = digestPair(digest, table);
  return digest;
}

/** The same for all conjuncts that differ in constants only. */
export function digestForm(scope: Scope, template: string, tables: readonly Digest[]): Digest {
  return digestConjunct(scope, withoutConstants(template), tables);
}
