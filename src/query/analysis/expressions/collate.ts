import type { CollateClause } from '@pgsql/types';
import { qualifiedName } from '../../ast/names';
import { quoteIdentifier } from '../../ast/quote';
import { escapeTemplate } from '../../ast/template';
import { isUnusable, unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';

/** `text COLLATE "C"`: the collation that is found through the search path, by its full name. */
export function canonicaliseCollate(clause: CollateClause, scope: ExpressionScope): Expression | Unusable {
  const name = qualifiedName(clause.collname);
  const collation = name === undefined ? undefined : scope.catalog.collationByName(name, scope.searchPath);
  if (collation === undefined) return unusable('unknown collation');
  const argument = scope.canonicalise(clause.arg);
  if (isUnusable(argument)) return argument;
  const { typeOid, mayRaise, isConstant, unknownLiteral } = argument;
  const qualified = `${quoteIdentifier(collation.schema)}.${quoteIdentifier(collation.name)}`;
  return {
    template: `(${argument.template} COLLATE ${escapeTemplate(qualified)})`,
    typeOid,
    // Some things cannot be done with a collation that calls different strings equal.
    mayRaise: mayRaise || !collation.isDeterministic,
    isConstant,
    collations: [collation.oid],
    reads: argument.reads,
    ...(unknownLiteral === undefined ? {} : { unknownLiteral }),
  };
}
