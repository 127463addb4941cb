import type { A_Indirection } from '@pgsql/types';
import { TypeOid } from '../../catalog/catalog';
import {
  combined,
  isUnusable,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';

/**
 * An element of an array, or a member of a jsonb: `tags[1]`, `document['name']`. What is not there is NULL. Slices, and the fields
 * of a composite value, stay out.
 */
export function canonicaliseSubscript(node: A_Indirection, scope: ExpressionScope): Expression | Unusable {
  const container = scope.canonicalise(node.arg);
  if (isUnusable(container)) return container;
  const isJson = container.typeOid === TypeOid.jsonb;
  const elementOid = isJson ? TypeOid.jsonb : scope.catalog.elementOf(container.typeOid);
  if (elementOid === 0) return unusable('unsupported subscript');
  const parts: Expression[] = [container];
  for (const item of node.indirection ?? []) {
    if (!('A_Indices' in item) || item.A_Indices.is_slice === true) return unusable('unsupported subscript');
    const subscript = scope.canonicalise(item.A_Indices.uidx);
    if (isUnusable(subscript)) return subscript;
    // Others would be turned into one of these first.
    const isTaken =
      subscript.typeOid === TypeOid.int4 ||
      (isJson && (subscript.typeOid === TypeOid.text || subscript.unknownLiteral !== undefined));
    if (!isTaken) return unusable('unsupported subscript');
    parts.push(subscript);
  }
  const subscripts = parts.slice(1).map(({ template }) => `[${template}]`);
  return {
    template: `(${container.template})${subscripts.join('')}`,
    typeOid: elementOid,
    ...combined(parts),
    collations: container.collations,
  };
}
