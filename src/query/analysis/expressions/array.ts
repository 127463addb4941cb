import type { A_ArrayExpr } from '@pgsql/types';
import {
  canonicaliseAll,
  combined,
  isUnusable,
  unusable,
  type Expression,
  type ExpressionScope,
  type Unusable,
} from '../expression';
import { commonType } from '../typing/coercion';
import { convertAll } from './conversion';

/**
 * `ARRAY[…]` over values that have a type in common.
 *
 * @param elementOid what each element is made into: of `ARRAY['today']::date[]` not first a text. undefined where the elements decide.
 */
export function canonicaliseArray(
  array: A_ArrayExpr,
  scope: ExpressionScope,
  elementOid?: number,
): Expression | Unusable {
  const elements = canonicaliseAll(array.elements, scope);
  if ('unusable' in elements) return elements;
  const common =
    elementOid ??
    commonType(
      scope.catalog,
      elements.map(({ typeOid }) => typeOid),
    );
  const type = common === undefined ? undefined : scope.catalog.arrayTypeOf(common);
  if (common === undefined || type === undefined) return unusable('ARRAY of several types');
  const conversion = convertAll(
    scope.catalog,
    elements,
    elements.map(() => common),
  );
  if (isUnusable(conversion)) return conversion;
  const flags = combined(elements);
  return {
    template: `ARRAY[${elements.map(({ template }) => template).join(', ')}]`,
    typeOid: type.oid,
    ...flags,
    mayRaise: flags.mayRaise || conversion.mayRaise,
  };
}
