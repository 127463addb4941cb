import type { A_ArrayExpr } from '@pgsql/types';
import { TypeOid } from '../../catalog/catalog';
import {
  canonicaliseAll,
  combined,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';

/** `ARRAY[…]` over values of one known type. */
export function canonicaliseArray(array: A_ArrayExpr, scope: ExpressionScope): Expression | Unusable {
  const elements = canonicaliseAll(array.elements, scope);
  if ('unusable' in elements) return elements;
  const [first] = elements;
  // Strings alone make a text[] (manual, "UNION, CASE, and Related Constructs").
  const elementOid = first?.typeOid === TypeOid.unknown ? TypeOid.text : (first?.typeOid ?? 0);
  const type = scope.catalog.arrayTypeOf(elementOid);
  if (
    first === undefined ||
    type === undefined ||
    elements.some(({ typeOid }) => typeOid !== first.typeOid)
  ) {
    return unusable('ARRAY of several types');
  }
  return {
    template: `ARRAY[${elements.map(({ template }) => template).join(', ')}]`,
    typeOid: type.oid,
    ...combined(elements),
  };
}
